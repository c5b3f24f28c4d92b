import { TicketScreen } from "@point_of_sale/app/screens/ticket_screen/ticket_screen";
import { ask } from "@point_of_sale/app/utils/make_awaitable_dialog";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { patch } from "@web/core/utils/patch";
// Patched before, whatever order files are loaded in
import "@pos_loyalty/app/screens/ticket_screen/ticket_screen";

// Float noise of the browser; no coin is as small
const NOISE = 1e-6;

patch(TicketScreen.prototype, {
    /** What points had paid follows the goods; it does not come back on its own. */
    _onUpdateSelectedOrderline() {
        const order = this.getSelectedOrder();
        const line = order?.lines.find((line) => line.id === this.getSelectedOrderlineId());
        if (line?.isLoyaltyRedemption) {
            this.notification.add(
                _t("Points that were used come back with the goods. Choose the goods to return."),
            );
            return this.numberBuffer.reset();
        }
        return super._onUpdateSelectedOrderline(...arguments);
    },
    /** Say what goes back before the return is made. */
    async onDoRefund() {
        const order = this.getSelectedOrder();
        this.loyaltyQuotes = [];
        if (!order?.getPartner() || !this.pos.hasLoyaltySchemes) {
            return super.onDoRefund(...arguments);
        }
        if (this._doesOrderHaveSoleItem(order)) {
            this._prepareAutoRefundOnOrder(order);
        }
        const details = this._getRefundableDetails(order.getPartner(), order);
        if (details.length && !(await this._confirmLoyaltyReturn(order, details))) {
            return;
        }
        return super.onDoRefund(...arguments);
    },
    async _confirmLoyaltyReturn(order, details) {
        try {
            this.loyaltyQuotes = await this.pos.data.call("pos.config", "loyalty_quote", [
                [this.pos.config.id],
                this._getLoyaltyReturnPayload(order, details),
            ]);
        } catch (error) {
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
            return this._acceptReturnOffline(order);
        }
        const sentences = this.loyaltyQuotes.flatMap((quote) => this._describeReturn(quote));
        return (
            !sentences.length ||
            (await ask(this.dialog, {
                title: _t("Return of a member's goods"),
                body: sentences.join("\n"),
                confirmLabel: _t("Return"),
                cancelLabel: _t("Keep"),
            }))
        );
    },
    _getLoyaltyReturnPayload(order, details) {
        return {
            uuid: "",
            partner_id: order.getPartner().id,
            lines: details.map(({ line, qty }) => ({
                uuid: line.uuid,
                product_id: line.product_id.id,
                qty: -qty,
                price_unit: line.price_unit,
                price_subtotal: (-line.priceExcl * qty) / line.qty,
                price_subtotal_incl: (-line.priceIncl * qty) / line.qty,
                refunded_orderline_id: line.id,
            })),
        };
    },
    _describeReturn(quote) {
        const sentences = [];
        if (quote.taken_back) {
            sentences.push(_t("%(points)s are taken back.", { points: quote.taken_back_text }));
        }
        if (quote.given_back) {
            sentences.push(_t("%(points)s are given back.", { points: quote.given_back_text }));
        }
        if (quote.wallet_taken_back) {
            sentences.push(
                _t("%(amount)s are taken back from the wallet.", {
                    amount: quote.wallet_taken_back_text,
                }),
            );
        }
        if (quote.wallet_given_back) {
            sentences.push(
                _t("%(amount)s of the refund are paid back to the wallet.", {
                    amount: quote.wallet_given_back_text,
                }),
            );
        }
        const kept =
            quote.shares.reduce((total, share) => total + share.amount, 0) -
            quote.wallet_given_back;
        if (kept > NOISE) {
            sentences.push(
                _t("The refund is %(amount)s less, which had been paid with points.", {
                    amount: this.env.utils.formatCurrency(kept),
                }),
            );
        }
        return sentences;
    },
    _acceptReturnOffline(order) {
        if (order.lines.some((line) => line.isLoyaltyRedemption)) {
            this.pos.showLoyaltyMessage(
                _t("No connection"),
                _t(
                    "Points were used on this order, so it can be returned only when the register is online again.",
                ),
            );
            return false;
        }
        return true;
    },
    postRefund(destinationOrder) {
        super.postRefund(...arguments);
        destinationOrder.updateLoyaltyShares(this.loyaltyQuotes);
    },
});
