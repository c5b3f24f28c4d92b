# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from .loyalty_member_event import KEY_LENGTH, Occasion

STATE = "loyalty_event"
#: of a text that comes with an event
TEXT_LENGTH = 250
#: what makes no value that a rule could look at
UNFIT_TYPES = (
    "binary",
    "html",
    "json",
    "many2many",
    "many2one_reference",
    "one2many",
    "properties",
    "properties_definition",
    "reference",
)


class IrActionsServer(models.Model):
    """Let automation rules say that something has happened to a member."""

    _inherit = "ir.actions.server"

    state = fields.Selection(
        selection_add=[(STATE, "Raise Loyalty Event"), ("webhook",)],
        ondelete={STATE: "cascade"},
    )
    loyalty_event_id = fields.Many2one(
        comodel_name="loyalty.earn.event", string="Event", ondelete="restrict"
    )
    loyalty_event_scheme_id = fields.Many2one(
        comodel_name="loyalty.scheme",
        string="Scheme",
        ondelete="cascade",
        help="Only for members of this scheme. Empty: of every scheme that the contact"
        " is a member of.",
    )
    loyalty_event_key = fields.Char(
        string="Key",
        help="With the same key, the event gives once to a member. It is made of this"
        " text and of the field. Without both, each record gives once.",
    )
    loyalty_event_key_field_id = fields.Many2one(
        comodel_name="ir.model.fields", string="Key From", ondelete="cascade"
    )
    loyalty_event_field_ids = fields.Many2many(
        comodel_name="ir.model.fields",
        relation="ir_act_server_loyalty_event_field_rel",
        column1="server_id",
        column2="field_id",
        string="Comes With It",
        help="Fields that the rules for the event can look at, by their technical"
        " names.",
    )

    def _name_depends(self):
        return [*super()._name_depends(), "loyalty_event_id"]

    def _generate_action_name(self):
        self.ensure_one()
        if self.state == STATE and self.loyalty_event_id:
            return self.env._(
                "Raise loyalty event “%(event)s”", event=self.loyalty_event_id.name
            )
        return super()._generate_action_name()

    @api.model
    def _warning_depends(self):
        return [
            *super()._warning_depends(),
            "loyalty_event_field_ids",
            "loyalty_event_key_field_id",
        ]

    def _get_warning_messages(self):
        self.ensure_one()
        messages = super()._get_warning_messages()
        if self.state != STATE or not self.model_id:
            return messages
        Model = self.env[self.model_id.model]
        if not self._get_loyalty_path(Model):
            messages.append(
                self.env._(
                    "%(model)s names no contact and no member to whom something could"
                    " have happened.",
                    model=self.model_id.name,
                )
            )
        for field in self.loyalty_event_field_ids | self.loyalty_event_key_field_id:
            if field.ttype in UNFIT_TYPES or Model._fields[field.name].groups:
                messages.append(
                    self.env._(
                        "“%(field)s” cannot come with an event: it is no single value,"
                        " or not for everybody to see.",
                        field=field.field_description,
                    )
                )
        return messages

    def _run_action_loyalty_event_multi(self, eval_context=None):
        """Raise the event for the members behind the records."""
        records = eval_context.get("records") or eval_context.get("record")
        if not records or not self.loyalty_event_id.active or self._is_recompute():
            return False
        self.env["loyalty.member.event"]._record(
            self.loyalty_event_id,
            [
                Occasion(member, key, self._get_loyalty_payload(record))
                for record in records
                if (key := self._get_loyalty_key(record))
                for member in self._get_loyalty_members(record)
            ],
        )
        return False

    @api.model
    def _get_loyalty_path(self, records):
        """Return the field that leads to the member or the contact.

        :return: the name of a field, "id" for members and contacts themselves,
            ``None`` if there is none
        """
        if records._name in ("loyalty.member", "res.partner"):
            return "id"
        for name, comodel in (
            ("member_id", "loyalty.member"),
            ("partner_id", "res.partner"),
        ):
            field = records._fields.get(name)
            if field and field.type == "many2one" and field.comodel_name == comodel:
                return name
        return None

    def _get_loyalty_members(self, record):
        """Return the members to whom it has happened, in superuser mode."""
        path = self._get_loyalty_path(record)
        # sudo: whose membership it is matters also where the user may not see it
        record_sudo = record.sudo()
        found = record_sudo if path == "id" else path and record_sudo[path]
        Member_sudo = self.env["loyalty.member"].sudo()
        if not found:
            return Member_sudo
        scheme_sudo = self.sudo().loyalty_event_scheme_id
        if found._name == "loyalty.member":
            members = found
        elif scheme_sudo:
            return Member_sudo._find_for_partner(found, scheme_sudo)
        else:
            members = Member_sudo.search([("partner_id", "=", found.id)])
        company = "company_id" in record._fields and record_sudo.company_id
        return members.filtered(
            lambda member: (
                (not scheme_sudo or member.scheme_id == scheme_sudo)
                and (
                    not company or not member.company_id or member.company_id == company
                )
            )
        )

    def _get_loyalty_key(self, record):
        """Return the key of the event; empty if the field that makes it is."""
        field = self.loyalty_event_key_field_id
        if not field:
            return self.loyalty_event_key or f"{record._name}:{record.id}"
        value = self._get_loyalty_value(record, field.name)
        if value is None:
            return ""
        parts = (self.loyalty_event_key, str(value))
        key = " ".join(":".join(part for part in parts if part).split())
        return key[:KEY_LENGTH]

    def _get_loyalty_payload(self, record):
        """Return what comes with the event."""
        values = {
            field.name: self._get_loyalty_value(record, field.name)
            for field in self.loyalty_event_field_ids
        }
        return {name: value for name, value in values.items() if value is not None}

    @api.model
    def _get_loyalty_value(self, record, name):
        """Return a field as text, number or boolean; ``None`` if it is empty."""
        field, value = record._fields[name], record[name]
        if field.type in ("boolean", "integer", "float", "monetary"):
            return value
        if not value:
            return None
        if field.type == "many2one":
            # sudo: the name alone, of what the record itself names
            value = value.sudo().display_name
        elif field.type in ("date", "datetime"):
            value = field.to_string(value)
        return str(value).replace("\0", "")[:TEXT_LENGTH]
