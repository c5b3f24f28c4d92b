# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError, ValidationError

from .common import LoyaltyMemberCase


class TestChannel(LoyaltyMemberCase):
    def test_get_by_code(self):
        channels = self.env["loyalty.channel"].with_user(self.plain_user)
        self.assertEqual(
            channels._get_by_code("pos"), self.env.ref("loyalty_member.channel_pos")
        )
        with self.assertRaisesRegex(ValidationError, "fax"):
            channels._get_by_code("fax")

    def test_get_by_code_sees_new_and_deleted(self):
        channels = self.env["loyalty.channel"]
        self.assertFalse(channels._get_id_by_code("market"))
        channel = channels.create({"name": "Marketplace", "code": "market"})
        self.assertEqual(channels._get_by_code("market"), channel)
        channel.unlink()
        self.assertFalse(channels._get_id_by_code("market"))

    def test_code_stays(self):
        channel = self.env.ref("loyalty_member.channel_pos")
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            channel.code = "till"
        channel.write({"name": "Till", "code": "pos"})

    def test_code_is_technical(self):
        for code in ("Fax", "a b", "a-b"):
            with self.assertRaisesRegex(ValidationError, "small letters"):
                self.env["loyalty.channel"].create({"name": "X", "code": code})

    def test_standard_channels_stay(self):
        with self.assertRaisesRegex(UserError, "Archive it"):
            self.env.ref("loyalty_member.channel_api").unlink()
