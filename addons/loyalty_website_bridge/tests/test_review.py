# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import JsonRpcException, tagged

from .common import LoyaltyShopCommon


@tagged("post_install", "-at_install")
class TestReview(LoyaltyShopCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.event = cls.env.ref("loyalty_ledger.loyalty_earn_event_review")
        cls.template = cls.coffee.product_tmpl_id

    def _rule(self, **values):
        return self.env["loyalty.earn.rule"].create(
            {
                "scheme_id": self.scheme.id,
                "name": "Review",
                "trigger": "event",
                "event_id": self.event.id,
                "effect": "receipt",
                "value": 20,
                **values,
            }
        )

    def _review(self, login="loyalty_anna", rating=5):
        """Write to the product's page, as a shopper in a browser."""
        self.authenticate(login, login)
        post = {
            "body": "A good cup",
            "message_type": "comment",
            "subtype_xmlid": "mail.mt_comment",
        }
        if rating:
            post["rating_value"] = rating
        return self.make_jsonrpc_request(
            "/mail/message/post",
            {
                "thread_model": "product.template",
                "thread_id": self.template.id,
                "post_data": post,
            },
        )

    def test_a_review_gives_once_for_each_product(self):
        self._rule()
        self._review()
        self.assertEqual(self.account.points, 520)
        happened = self.member.event_ids
        self.assertEqual(happened.key, f"product:{self.template.id}")
        self.assertEqual(happened.channel_id.code, "website")
        self._review(rating=4)
        self.assertEqual(self.account.points, 520)
        self.assertEqual(self.member.event_ids, happened)

    def test_rules_ask_about_stars_and_purchase(self):
        condition = {"key": "rating", "operator": ">=", "value": "4"}
        self._rule(payload_condition_ids=[(0, 0, condition)])
        condition = {"key": "bought", "operator": "=", "value": "yes"}
        self._rule(value=5, payload_condition_ids=[(0, 0, condition)])
        self._create_cart().action_confirm()
        self.account.invalidate_recordset()
        before = self.account.points
        self._review(rating=3)
        self.assertEqual(self.account.points, before + 5)

    def test_a_comment_is_no_review(self):
        self._rule()
        self._review(rating=None)
        self.assertFalse(self.member.event_ids)

    def test_who_is_no_active_member_reviews_as_ever(self):
        self._rule()
        self._review("loyalty_ben")
        self.member.state = "blocked"
        self._review()
        self.assertEqual(len(self.template.rating_ids), 2)
        self.assertEqual(self.account.points, 500)
        self.assertFalse(self.member.event_ids)

    def test_without_a_rule_nothing_is_recorded(self):
        self._review()
        self.assertFalse(self.member.event_ids)

    def test_a_stranger_reviews_nothing(self):
        """Who may not write on the page gets nothing either."""
        self._rule()
        self.template.is_published = False
        with self.assertRaises(JsonRpcException):
            self._review()
        self.assertFalse(self.member.event_ids)
