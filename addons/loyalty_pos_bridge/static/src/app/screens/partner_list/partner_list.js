import { useBarcodeReader } from "@point_of_sale/app/hooks/barcode_reader_hook";
import { PartnerList } from "@point_of_sale/app/screens/partner_list/partner_list";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { patch } from "@web/core/utils/patch";
// Patched before, whatever order files are loaded in
import "@pos_loyalty/app/screens/partner_list_screen/partner_list_screen";

// Shorter than any card number, phone number or e-mail address
const SHORTEST_QUERY = 6;
const PHONE = /^[+0-9][0-9 ()./-]{5,}$/;

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
        if (known) {
            this._takeLoyaltyCard({ partners, message });
        } else {
            this.pos.showUnknownLoyaltyCard(code.code);
        }
    },
    /** A scanner types faster than the list takes over what is in its search field. */
    async onEnter() {
        const input = this.modalRef.el?.querySelector(".input-container input");
        if (input && input.value !== this.state.query) {
            this.state.query = input.value;
        }
        return super.onEnter(...arguments);
    },
    async searchPartner() {
        const match = await this._searchLoyaltyMember();
        if (match.isCard) {
            return this._takeLoyaltyCard(match);
        }
        const partners = await super.searchPartner(...arguments);
        return partners.concat(match.partners.filter((partner) => !partners.includes(partner)));
    },
    /** A scanner that types into the search has named the customer: nothing is left to choose. */
    _takeLoyaltyCard({ partners, message }) {
        if (partners.length) {
            this.clickPartner(partners[0]);
        } else {
            this.pos.showLoyaltyMessage(_t("Card not accepted"), message);
        }
        return partners;
    },
    async _searchLoyaltyMember() {
        const query = this.state.query.trim();
        const nobody = { isCard: false, partners: [] };
        if (!this.pos.hasLoyaltySchemes || query.length < SHORTEST_QUERY) {
            return nobody;
        }
        try {
            const match = await this.pos.findLoyaltyMembers(query);
            this.state.loyaltyMatch = { query, partners: match.partners };
            return match;
        } catch (error) {
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
            return nobody;
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
    /** Whether what was typed may be the phone number of somebody to enrol. */
    get canEnrolLoyaltyPhone() {
        return PHONE.test(this.state.query.trim()) && this.pos.openLoyaltySchemes.length > 0;
    },
    async enrolLoyaltyPhone() {
        const partner = await this.pos.askLoyaltyEnrolment(this.state.query.trim());
        if (partner) {
            this.clickPartner(partner);
        }
    },
});
