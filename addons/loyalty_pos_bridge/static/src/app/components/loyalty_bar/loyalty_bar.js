import { Component, onWillRender, useEffect } from "@odoo/owl";
import { usePos } from "@point_of_sale/app/hooks/pos_hook";
import { _t } from "@web/core/l10n/translation";

/**
 * Who the customer is to each scheme of this register, what they have, and what they can do with
 * it. It also keeps the server's quote up to date while the order changes.
 */
export class LoyaltyBar extends Component {
    static template = "loyalty_pos_bridge.LoyaltyBar";
    static props = { order: Object };

    setup() {
        this.pos = usePos();
        onWillRender(() => {
            this.digest = this.props.order.loyaltyDigest;
        });
        useEffect(
            () => {
                this.pos.requestLoyaltyQuote();
            },
            () => [this.digest, this.pos.data.network.offline],
        );
    }
    get rows() {
        if (!this.props.order.getPartner()) {
            return [];
        }
        return this.props.order.loyaltySchemes
            .map((scheme) => ({ scheme, quote: this.props.order.getLoyaltyQuote(scheme) }))
            .filter(({ quote }) => quote && (quote.is_member || quote.can_enrol));
    }
    /** Whether anybody can be made a member of the order that has no customer yet. */
    get canEnrolSomebody() {
        const { order } = this.props;
        return !order.getPartner() && !order.finalized && this.pos.openLoyaltySchemes.length > 0;
    }
    getUseLabel(scheme) {
        const used = this.props.order.getLoyaltyPointsUsed(scheme);
        return used
            ? _t("%(points)s used", { points: scheme.formatPoints(used) })
            : _t("Use %(unit)s", { unit: scheme.point_name_plural });
    }
    getBadgeStyle(badge) {
        return `background-color: ${badge.color}; color: ${badge.color_text};`;
    }
    getStyle(scheme) {
        return `background-color: ${scheme.color_primary}; color: ${scheme.color_text};`;
    }
}
