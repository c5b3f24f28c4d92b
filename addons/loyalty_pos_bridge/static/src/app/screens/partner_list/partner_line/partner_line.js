import { PartnerLine } from "@point_of_sale/app/screens/partner_list/partner_line/partner_line";
import { patch } from "@web/core/utils/patch";
// Patched before, whatever order files are loaded in
import "@pos_loyalty/app/screens/partner_list_screen/partner_line/partner_line";

patch(PartnerLine.prototype, {
    _getLoyaltyPointsRepr(loyaltyCard) {
        const scheme = loyaltyCard.program_id?.scheme_id;
        return scheme && loyaltyCard.program_id.program_type !== "ewallet"
            ? scheme.formatPoints(loyaltyCard.points)
            : super._getLoyaltyPointsRepr(...arguments);
    },
});
