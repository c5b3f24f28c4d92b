import { PartnerLine } from "@point_of_sale/app/screens/partner_list/partner_line/partner_line";
import { patch } from "@web/core/utils/patch";

patch(PartnerLine.prototype, {
    _getLoyaltyPointsRepr(loyaltyCard) {
        const scheme = loyaltyCard.program_id?.scheme_id;
        return scheme
            ? scheme.formatPoints(loyaltyCard.points)
            : super._getLoyaltyPointsRepr(...arguments);
    },
});
