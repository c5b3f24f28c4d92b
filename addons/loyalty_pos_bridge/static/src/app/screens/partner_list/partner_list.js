import { useBarcodeReader } from "@point_of_sale/app/hooks/barcode_reader_hook";
import { PartnerList } from "@point_of_sale/app/screens/partner_list/partner_list";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { patch } from "@web/core/utils/patch";

// Shorter than any card number, phone number or e-mail address
const SHORTEST_QUERY = 6;

patch(PartnerList.prototype, {
    setup() {
        super.setup(...arguments);
        // What the server found for a card number, a phone number or an e-mail address
        this.state.loyaltyMatch = { query: "", partners: [] };
        useBarcodeReader(
            { client: this._onLoyaltyCardScan, product: this._onLoyaltyCardScan },
            true,
        );
    },
    async _onLoyaltyCardScan(code) {
        const { known, partners, message } = await this.pos.findLoyaltyMembers(code.code, {
            scanned: true,
        });
        if (partners.length) {
            this.clickPartner(partners[0]);
        } else if (known) {
            this.pos.showLoyaltyMessage(_t("Card not accepted"), message);
        } else {
            this.pos.showUnknownLoyaltyCard(code.code);
        }
    },
    async searchPartner() {
        await this._searchLoyaltyMember();
        const partners = await super.searchPartner(...arguments);
        return partners.concat(
            this.state.loyaltyMatch.partners.filter((partner) => !partners.includes(partner)),
        );
    },
    async _searchLoyaltyMember() {
        const query = this.state.query.trim();
        if (!this.pos.hasLoyaltySchemes || query.length < SHORTEST_QUERY) {
            return;
        }
        try {
            const { partners } = await this.pos.findLoyaltyMembers(query);
            this.state.loyaltyMatch = { query, partners };
        } catch (error) {
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
        }
    },
    /** A customer whom the server found by number is not in the text that the list searches. */
    getPartners(partners) {
        const { query, partners: matches } = this.state.loyaltyMatch;
        if (matches.length && query === this.state.query.trim()) {
            return partners === this.state.initialPartners ? matches : [];
        }
        return super.getPartners(...arguments);
    },
});
