import { Component } from "@odoo/owl";
import { usePos } from "@point_of_sale/app/hooks/pos_hook";

/** What the order earns, gives back or takes back, under its total. */
export class LoyaltyEarning extends Component {
    static template = "loyalty_pos_bridge.LoyaltyEarning";
    static props = { order: Object };

    setup() {
        this.pos = usePos();
    }
    get rows() {
        const { order } = this.props;
        return order.loyaltySchemes
            .map((scheme) => ({ scheme, quote: order.getLoyaltyQuote(scheme) }))
            .filter(
                ({ quote }) =>
                    quote?.earns ||
                    quote?.taken_back ||
                    quote?.given_back ||
                    quote?.depends_on_payment,
            );
    }
    /** Without a connection nobody can say how many. */
    get willFollow() {
        const { order } = this.props;
        return (
            (order.uiState.loyalty.unanswered || this.pos.data.network.offline) &&
            this.pos.hasLoyaltySchemes &&
            Boolean(order.getPartner()) &&
            !order.isLoyaltyQuoteFresh
        );
    }
}
