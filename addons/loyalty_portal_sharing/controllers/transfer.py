# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError, ValidationError
from odoo.http import request, route

from odoo.addons.loyalty_portal.controllers.portal import LoyaltyPortal

RECENT = 5


class LoyaltyTransferPortal(LoyaltyPortal):
    """Members give points to each other on their own page."""

    # === ROUTES === #

    @route(
        "/my/loyalty/transfer",
        type="http",
        auth="user",
        website=True,
        methods=["GET", "POST"],
    )
    def portal_my_loyalty_transfer(self, member_id=None, **post):
        """Let the member enter recipient and points, and send the code."""
        member_sudo = self._get_loyalty_giver(member_id)
        if not member_sudo:
            return request.redirect("/my/loyalty")
        error = False
        if request.httprequest.method == "POST":
            try:
                transfer_sudo = self._propose_loyalty_transfer(member_sudo, **post)
            except UserError as refusal:
                error = str(refusal)
            else:
                error = transfer_sudo.refusal_reason
            if not error:
                return request.redirect(self._get_loyalty_transfer_url(transfer_sudo))
        return request.render(
            "loyalty_portal_sharing.portal_my_loyalty_transfer",
            {
                **self._prepare_loyalty_page_values(member_sudo, request.env._("Gift")),
                "limits": self._get_loyalty_transfer_limits(member_sudo.scheme_id),
                "recent": self._prepare_loyalty_recent_transfers(member_sudo),
                "values": post,
                "error": error,
            },
        )

    @route(
        "/my/loyalty/transfer/<int:transfer_id>",
        type="http",
        auth="user",
        website=True,
        methods=["GET", "POST"],
    )
    def portal_my_loyalty_transfer_confirm(self, transfer_id, step=None, **post):
        """Ask for the code, or show the state of the transfer."""
        transfer_sudo = self._get_loyalty_transfer(transfer_id)
        if not transfer_sudo:
            return request.redirect("/my/loyalty")
        error = False
        if request.httprequest.method == "POST":
            try:
                # A refused step must leave nothing behind
                with request.env.cr.savepoint():
                    self._step_loyalty_transfer(transfer_sudo, step, post.get("code"))
            except UserError as refusal:
                error = str(refusal)
            else:
                return request.redirect(self._get_loyalty_transfer_url(transfer_sudo))
        return request.render(
            "loyalty_portal_sharing.portal_my_loyalty_transfer_confirm",
            {
                **self._prepare_loyalty_page_values(
                    transfer_sudo.giver_id, request.env._("Gift")
                ),
                "transfer": self._prepare_loyalty_transfer(transfer_sudo),
                "error": error,
            },
        )

    # === STEPS === #

    def _get_loyalty_giver(self, member_id):
        """Return the visitor's own membership that gives the points.

        :return: loyalty.member in superuser mode, perhaps none
        """
        members_sudo = self._get_loyalty_members().filtered(
            self._can_give_loyalty_points
        )
        if member_id:
            return members_sudo.filtered(lambda member: str(member.id) == member_id)
        return members_sudo[:1]

    def _can_give_loyalty_points(self, member_sudo):
        scheme = member_sudo.scheme_id
        return (
            scheme.transfer_allowed
            and scheme.state == "open"
            and member_sudo.state == "active"
        )

    def _get_loyalty_transfer(self, transfer_id):
        """Return a transfer that the visitor gives.

        :return: loyalty.transfer in superuser mode, perhaps none
        """
        # sudo: portal users have no rights on transfers; the domain leaves their own
        return (
            request.env["loyalty.transfer"]
            .sudo()
            .search(
                [
                    ("id", "=", transfer_id),
                    ("giver_id", "in", self._get_loyalty_members().ids),
                ]
            )
        )

    def _propose_loyalty_transfer(
        self, member_sudo, recipient="", points="", message="", **_post
    ):
        """Create the transfer that the form describes.

        :raise UserError: if the form does not describe one
        """
        recipient = recipient.strip()
        if not recipient:
            raise UserError(request.env._("Enter the recipient."))
        try:
            amount = float(points.replace(",", "."))
        except ValueError as error:
            raise ValidationError(
                request.env._("Enter a number of points greater than zero.")
            ) from error
        # sudo: as for _get_loyalty_transfer; the giver is the visitor
        return (
            request.env["loyalty.transfer"]
            .sudo()
            ._propose(member_sudo, recipient, amount, message)
        )

    def _step_loyalty_transfer(self, transfer_sudo, step, code):
        if step == "cancel":
            transfer_sudo.action_cancel()
        elif step == "resend":
            transfer_sudo._submit()
        else:
            transfer_sudo._confirm(code)

    def _get_loyalty_transfer_url(self, transfer_sudo):
        return f"/my/loyalty/transfer/{transfer_sudo.id}"

    def _get_loyalty_transfer_limits(self, scheme):
        """Return a sentence with the smallest and largest number of points."""
        values = {
            "minimum": scheme._format_points(scheme.transfer_minimum),
            "maximum": scheme._format_points(scheme.transfer_maximum),
        }
        if scheme.transfer_maximum:
            return request.env._("From %(minimum)s to %(maximum)s at a time.", **values)
        return request.env._("At least %(minimum)s at a time.", **values)

    def _prepare_loyalty_transfer(self, transfer_sudo):
        """Return what the giver may see of a transfer."""
        states = dict(
            transfer_sudo._fields["state"]._description_selection(request.env)
        )
        return {
            "url": self._get_loyalty_transfer_url(transfer_sudo),
            "state": transfer_sudo.state,
            "state_text": states[transfer_sudo.state],
            "points": transfer_sudo.scheme_id._format_points(transfer_sudo.points),
            "recipient": transfer_sudo.recipient_id
            and transfer_sudo.recipient_id._get_short_name(),
            "message": transfer_sudo.message,
            "sent_to": transfer_sudo.code_sent_to,
            "refusal": transfer_sudo.refusal_reason,
        }

    def _prepare_loyalty_recent_transfers(self, member_sudo):
        transfers_sudo = (
            request.env["loyalty.transfer"]
            .sudo()  # sudo: as for _get_loyalty_transfer
            .search(
                [
                    ("giver_id", "=", member_sudo.id),
                    ("recipient_id", "!=", False),
                    ("state", "in", ("waiting", "done", "reversed")),
                ],
                limit=RECENT,
            )
        )
        return [self._prepare_loyalty_transfer(transfer) for transfer in transfers_sudo]

    # === THE MEMBER'S PAGE === #

    def _prepare_loyalty_card(self, member_sudo):
        return {
            **super()._prepare_loyalty_card(member_sudo),
            "can_give": self._can_give_loyalty_points(member_sudo),
        }
