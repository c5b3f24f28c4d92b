# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from lxml import etree

from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

GROUP = "loyalty_member.loyalty_member_group_"
DATES = ("date", "datetime")
MODULES = ("loyalty_member", "loyalty_ledger")
# What each of them comes for
PLACES = {
    "service": {"Members", "Cards", "Sales and Returns"},
    "auditor": {"Sales and Returns", "Audits", "Schemes"},
    "manager": {"Members", "Earning Rules", "Payment Methods"},
}


@tagged("post_install", "-at_install")
class TestMenus(TransactionCase):
    """Who has no rights but those of Loyalty opens every menu of the app.

    All modules that are installed are looked at, not only this one.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scheme = cls.env["loyalty.scheme"].create(
            {"name": "Harmony Coffee", "has_wallet": True}
        )
        partner = cls.env["res.partner"].create({"name": "Anna"})
        cls.member = cls.env["loyalty.member"]._enrol(partner, scheme)
        cls.member._raise_event("visit", key="visit")
        cls.users = {
            group: new_test_user(cls.env, f"menu_{group}", groups=GROUP + group)
            for group in PLACES
        }

    def _get_actions(self, user):
        """Return the window actions of the app that a user sees.

        :rtype: dict of actions by name of the menu
        """
        root = self.env.ref("loyalty_member.loyalty_menu_root")
        menus = self.env["ir.ui.menu"].with_user(user)
        visible = menus.browse(menus._visible_menu_ids())
        return {
            menu.name: menu.action.sudo()
            for menu in visible
            if menu.parent_path.startswith(root.parent_path) and menu.action
        }

    def _get_views(self, user, action):
        """Return the views of an action, parsed, by their types."""
        model = self.env[action.res_model].with_user(user)
        context = safe_eval(action.context or "{}", {"uid": user.id})
        views = model.with_context(**context).get_views(
            [*action.views, (action.search_view_id.id, "search")]
        )["views"]
        return {kind: etree.fromstring(view["arch"]) for kind, view in views.items()}

    def _open(self, user, action):
        """Read and search what an action shows, as the browser does."""
        model = self.env[action.res_model].with_user(user)
        domain = safe_eval(action.domain or "[]", {"uid": user.id})
        views = self._get_views(user, action)
        for kind in ("list", "kanban"):
            if kind in views:
                nodes = views[kind].xpath("//field[not(ancestor::field)]/@name")
                names = [name for name in set(nodes) if name in model._fields]
                model.search(domain, limit=5).read(names)
        for node in views["search"].iter("filter"):
            with self.subTest(filter=node.get("name")):
                self._apply(model, domain, user, node)

    def _apply(self, model, domain, user, node):
        """Search or group as a filter of a search view does."""
        context = safe_eval(node.get("context") or "{}", {"uid": user.id})
        if grouping := context.get("group_by"):
            if ":" not in grouping and model._fields[grouping].type in DATES:
                grouping += ":month"
            model.formatted_read_group(domain, [grouping], ["__count"])
        elif node.get("date"):
            self.assertIn(model._fields[node.get("date")].type, DATES)
        elif "today" not in node.get("domain"):  # which the browser knows
            model.search(safe_eval(node.get("domain"), {"uid": user.id}), limit=1)

    def test_everything_opens(self):
        for group, user in self.users.items():
            actions = self._get_actions(user)
            self.assertLessEqual(PLACES[group], actions.keys())
            for name, action in actions.items():
                with self.subTest(group=group, menu=name):
                    self._open(user, action)

    def test_empty_screens_say_what_they_are_for(self):
        for name, action in self._get_actions(self.users["manager"]).items():
            with self.subTest(menu=name):
                self.assertIn("o_view_nocontent", action.help or "")

    def test_lists_can_be_filtered_and_grouped(self):
        user = self.users["manager"]
        for name, action in self._get_actions(user).items():
            search = self._get_views(user, action)["search"]
            filters = list(search.iter("filter"))
            grouping = [f for f in filters if "group_by" in f.get("context", "")]
            with self.subTest(menu=name):
                self.assertTrue(list(search.iter("field")))
                self.assertGreater(len(filters), len(grouping))
                # A list that is sorted by hand is too short to be grouped
                order = self.env[action.res_model]._order
                self.assertTrue(grouping or order.startswith("sequence"))

    def _get_fields(self, model, arch):
        """Return the fields of a view and of the lists in it, by model."""
        found = [(model, {node.get("name") for node in self._get_own(arch)})]
        for node in self._get_own(arch):
            for inner in node.xpath("./list | ./form | ./kanban"):
                comodel = self.env[model._fields[node.get("name")].comodel_name]
                found += self._get_fields(comodel, inner)
        return found

    def _get_own(self, arch):
        depth = len(arch.xpath("ancestor::field"))
        return [
            node
            for node in arch.iter("field")
            if len(node.xpath("ancestor::field")) == depth
        ]

    def test_money_has_its_currency(self):
        """Without the field of the currency the browser leaves out its symbol."""
        user = self.users["manager"]
        actions = self._get_actions(user).values()
        for model_name in {action.res_model for action in actions}:
            views = (
                self.env[model_name]
                .with_user(user)
                .get_views([(False, "form"), (False, "list")])["views"]
            )
            for kind, view in views.items():
                arch = etree.fromstring(view["arch"])
                for model, names in self._get_fields(self.env[model_name], arch):
                    with self.subTest(view=f"{model_name} {kind}", model=model._name):
                        money = [
                            model._fields[name]
                            for name in names
                            if model._fields[name].type == "monetary"
                        ]
                        currencies = {
                            field.get_currency_field(model) for field in money
                        }
                        self.assertLessEqual(currencies, names)

    def test_who_looks_changes_nothing(self):
        """An auditor changes nothing; addons on top say what else they let them do."""
        auditor = self.users["auditor"]
        for name, action in self._get_actions(auditor).items():
            model = self.env[action.res_model].with_user(auditor)
            if model._original_module not in MODULES:
                continue
            with self.subTest(menu=name):
                self.assertFalse(model.has_access("create"))
                self.assertFalse(model.has_access("write"))
