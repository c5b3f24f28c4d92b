# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What it takes to merge members who have accounts."""

from collections import Counter

from odoo import models
from odoo.fields import Domain

from ..ledger.flow import POINTS, WALLET


class LoyaltyMember(models.Model):
    _inherit = "loyalty.member"

    def _is_same_person(self, member):
        """Tell whether sales of this member may come in under another's name.

        They may where the two are merged, or have been while the sale was recorded.
        """
        self.ensure_one()
        if self == member or self._get_survivor() == member._get_survivor():
            return True
        pair = (self | member).ids
        # sudo: who sells need not see merges
        return bool(
            self.env["loyalty.member.merge"]
            .sudo()
            .search_count(
                [("winner_id", "in", pair), ("duplicate_id", "in", pair)], limit=1
            )
        )

    def _count_with_merged(self, model, domain=Domain.TRUE):
        """Return how many records these members have, with those merged into them.

        :param str model: with a ``member_id``, which a merge leaves as it is
        :param domain: which of them
        :return: number by loyalty.member
        :rtype: Counter
        """
        counts = Counter()
        for member, count in self.env[model]._read_group(
            Domain("member_id", "child_of", self.ids) & domain,
            ["member_id"],
            ["__count"],
        ):
            for holder in member._get_holders():
                counts[holder] += count
        return counts

    def _get_own_accounts(self):
        """Return the accounts that a member has alone, opening those missing.

        Not one that the member shares. They are opened so that whoever sells to this
        member right now finds them changed, and looks again.

        :return: list of (kind, loyalty.card in superuser mode)
        """
        self.ensure_one()
        scheme_sudo = self.sudo().scheme_id
        kinds = [POINTS] if scheme_sudo.points_program_id else []
        kinds += [WALLET] if scheme_sudo.wallet_program_id else []
        pairs = []
        for kind in kinds:
            program_sudo = scheme_sudo._get_program(kind)
            account_sudo = (
                program_sudo.env["loyalty.card"]
                .with_context(active_test=False)
                .search(
                    [
                        ("program_id", "=", program_sudo.id),
                        ("partner_id", "=", self.partner_id.id),
                        ("ledger_managed", "=", True),
                    ]
                )
            )
            pairs.append(
                (
                    kind,
                    account_sudo
                    or account_sudo._open_accounts(
                        program_sudo, self.sudo().partner_id
                    ),
                )
            )
        return pairs

    def _get_merge_facts(self):
        facts = super()._get_merge_facts()
        sudo = self.sudo()
        facts.append((self.env._("Points"), sudo.points_summary or ""))
        facts.append(
            (
                self.env._("Pending"),
                sudo.scheme_id._format_points(sudo.points_pending),
            )
        )
        if sudo.scheme_id.wallet_program_id:
            wallet = sudo.wallet_account_id
            facts.append(
                (
                    self.env._("Wallet"),
                    sudo.scheme_id._format_value(wallet.points, WALLET),
                )
            )
        facts.append((self.env._("Purchases"), str(sudo.transaction_count)))
        return facts

    def _get_merge_warnings(self, duplicates):
        warnings = super()._get_merge_warnings(duplicates)
        for duplicate in duplicates:
            if duplicate.sudo().points_balance < 0:
                warnings.append(
                    self.env._(
                        "%(member)s owes %(points)s, which %(winner)s owes from then"
                        " on.",
                        member=duplicate.display_name,
                        points=duplicate.scheme_id._format_points(
                            -duplicate.sudo().points_balance
                        ),
                        winner=self.display_name,
                    )
                )
        return warnings
