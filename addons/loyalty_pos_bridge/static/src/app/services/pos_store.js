import { PosStore } from "@point_of_sale/app/services/pos_store";
import { NumberPopup } from "@point_of_sale/app/components/popups/number_popup/number_popup";
import { makeAwaitable } from "@point_of_sale/app/utils/make_awaitable_dialog";
import { LoyaltyEnrolDialog } from "@loyalty_pos_bridge/app/components/loyalty_enrol_dialog/loyalty_enrol_dialog";
import { loyaltyIdsGenerator } from "@pos_loyalty/app/services/pos_store";
import { AlertDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { localization } from "@web/core/l10n/localization";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { patch } from "@web/core/utils/patch";
import { debounce } from "@web/core/utils/timing";
import { parseFloat } from "@web/views/fields/parsers";

const QUOTE_DELAY = 200;

patch(PosStore.prototype, {
    async setup() {
        this.requestLoyaltyQuote = debounce(this.updateLoyaltyQuote.bind(this), QUOTE_DELAY);
        await super.setup(...arguments);
    },
    async selectPartner() {
        const partner = await super.selectPartner(...arguments);
        this.requestLoyaltyQuote();
        return partner;
    },

    // The server's quote

    get hasLoyaltySchemes() {
        return this.models["loyalty.scheme"].length > 0;
    },
    /**
     * Ask the server how the customer stands and what the order earns, unless it has said so for
     * the order as it is. Without a connection the last answer stays; points then follow later.
     */
    async updateLoyaltyQuote(order = this.getOrder(), { force = false } = {}) {
        if (!this.hasLoyaltySchemes || !order || order.finalized) {
            return;
        }
        const digest = order.loyaltyDigest;
        if (!force && order.uiState.loyalty.digest === digest) {
            return;
        }
        let quotes = [];
        try {
            quotes = await this.data.call("pos.config", "loyalty_quote", [
                [this.config.id],
                order.getLoyaltyPayload(),
            ]);
        } catch (error) {
            if (error instanceof ConnectionLostError) {
                order.uiState.loyalty.unanswered = true;
                return;
            }
            throw error;
        }
        order.uiState.loyalty.unanswered = false;
        if (
            order.finalized ||
            JSON.parse(digest).partner_id !== (order.getPartner()?.id || false)
        ) {
            return;
        }
        Object.assign(order.uiState.loyalty, {
            quotes: Object.fromEntries(quotes.map((quote) => [quote.scheme_id, quote])),
            digest,
        });
        this._linkLoyaltyAccounts(order, quotes);
        await this.updatePrograms();
        order.updateLoyaltyShares(quotes);
    },
    /** Make the accounts known to native loyalty, under their real ids. */
    _linkLoyaltyAccounts(order, quotes) {
        for (const quote of quotes) {
            const scheme = this.models["loyalty.scheme"].get(quote.scheme_id);
            this._linkLoyaltyAccount(order, quote, scheme.program, quote);
            this._linkLoyaltyAccount(order, quote, scheme.walletProgram, quote.wallet);
        }
    },
    _linkLoyaltyAccount(order, quote, program, { account_id: accountId, balance } = {}) {
        if (!accountId) {
            return;
        }
        const account = this.models["loyalty.card"].get(accountId);
        if (account) {
            account.points = balance;
            // Members can share an account: the till shows it as the customer's
            account.partner_id = this.models["res.partner"].get(quote.partner_id);
        } else if (program) {
            this.models["loyalty.card"].create({
                id: accountId,
                code: null,
                program_id: program,
                partner_id: this.models["res.partner"].get(quote.partner_id),
                points: balance,
                expiration_date: null,
            });
        }
        const changes = order.uiState.couponPointChanges;
        for (const change of Object.values(changes)) {
            if (change.program_id === program?.id && change.coupon_id !== accountId) {
                delete changes[change.coupon_id];
            }
        }
    },
    /**
     * The quote names the account. Until it is there, and for who has none yet, a local stand-in
     * serves: the server opens accounts itself.
     */
    async fetchLoyaltyCard(programId, partnerId) {
        const program = this.models["loyalty.program"].get(programId);
        if (!program?.ledger_managed) {
            return super.fetchLoyaltyCard(...arguments);
        }
        const quote = this.getOrder()?.getLoyaltyQuote(program.scheme_id);
        const isWallet = program.program_type === "ewallet";
        const accountId = (isWallet ? quote?.wallet : quote)?.account_id;
        return (
            this.models["loyalty.card"].get(accountId) ||
            this.models["loyalty.card"].find(
                (card) =>
                    card.id < 0 &&
                    card.program_id?.id === programId &&
                    card.partner_id?.id === partnerId,
            ) ||
            this.models["loyalty.card"].create({
                id: loyaltyIdsGenerator(),
                code: null,
                program_id: program,
                partner_id: this.models["res.partner"].get(partnerId),
                points: 0,
                expiration_date: null,
            })
        );
    },

    /**
     * The list of customers shows accounts with points, not the empty own account of a member who
     * shares another one.
     */
    getLoyaltyCards() {
        return super
            .getLoyaltyCards(...arguments)
            .filter((card) => !card.program_id?.ledger_managed || card.points);
    },

    // Who is at the till

    /**
     * Find the member whom a scanned or typed code names.
     *
     * @param {string} query
     * @param {{scanned: boolean}} options
     * @returns {{known: boolean, isCard: boolean, partners: Object[], message: string|false}}
     */
    async findLoyaltyMembers(query, { scanned = false } = {}) {
        const answer = await this.data.call("pos.config", "loyalty_member_lookup", [
            [this.config.id],
            query,
            scanned,
        ]);
        return this._readLoyaltyAnswer(answer);
    },
    /** Load the customers whom an answer of the server names. */
    async _readLoyaltyAnswer(answer) {
        const missing = answer.partner_ids.filter((id) => !this.models["res.partner"].get(id));
        if (missing.length) {
            await this.data.read("res.partner", missing);
        }
        return {
            known: answer.known,
            isCard: answer.is_card,
            partners: answer.partner_ids
                .map((id) => this.models["res.partner"].get(id))
                .filter(Boolean),
            message: answer.message,
        };
    },
    /**
     * Set the customer of the order to the member whose card was scanned.
     *
     * @param {string} code
     * @returns {boolean} whether the code is that of a card, usable or not
     */
    async scanLoyaltyCard(code) {
        if (!this.hasLoyaltySchemes) {
            return false;
        }
        let found = { known: false, partners: [] };
        try {
            found = await this.findLoyaltyMembers(code, { scanned: true });
        } catch (error) {
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
            this.showLoyaltyMessage(
                _t("No connection"),
                _t(
                    "Cards cannot be looked up until the register is online again. Sell as usual, or choose the customer by name.",
                ),
            );
            return true;
        }
        const [partner] = found.partners;
        if (partner) {
            await this.setLoyaltyPartner(partner);
        } else if (found.known) {
            this.showLoyaltyMessage(_t("Card not accepted"), found.message);
        }
        return found.known;
    },
    async setLoyaltyPartner(partner) {
        const order = this.getOrder();
        if (!order || order.finalized || order.getPartner() === partner) {
            return;
        }
        if (order.getPartner() && order.getHasRefundLines()) {
            this.showLoyaltyMessage(
                _t("Customer not changed"),
                _t("This order returns goods of %(customer)s. Start a new order for the member.", {
                    customer: order.getPartner().name,
                }),
            );
            return;
        }
        this.setPartnerToCurrentOrder(partner);
        await this.updateRewards();
        this.requestLoyaltyQuote();
    },
    showUnknownLoyaltyCard(code) {
        this.showLoyaltyMessage(
            _t("Unknown card"),
            _t(
                "No member has the card %(number)s. Scan it again, or look the customer up by name or phone.",
                { number: code },
            ),
        );
    },
    showLoyaltyMessage(title, body) {
        this.dialog.add(AlertDialog, { title, body });
    },

    // Using points

    /** Let the cashier choose how many points the member uses on this order. */
    async openLoyaltyPad(scheme) {
        const order = this.getOrder();
        await this.updateLoyaltyQuote(order, { force: true });
        const impossible = this._getLoyaltyPadRefusal(order, scheme);
        if (impossible) {
            this.showLoyaltyMessage(_t("Points cannot be used"), impossible);
            return;
        }
        const { least, most, balance } = order.getLoyaltyLimits(scheme);
        const parse = (buffer) => {
            try {
                return buffer ? parseFloat(String(buffer)) : 0;
            } catch {
                return NaN;
            }
        };
        const buffer = await makeAwaitable(this.dialog, NumberPopup, {
            title: _t("Use %(unit)s", { unit: scheme.point_name_plural }),
            subtitle: _t(
                "%(balance)s, worth %(value)s. From %(least)s to %(most)s on this order.",
                {
                    balance: scheme.formatPoints(balance),
                    value: scheme.formatPointsValue(balance),
                    least: scheme.formatPoints(least),
                    most: scheme.formatPoints(most),
                },
            ),
            startingValue: String(order.getLoyaltyPointsUsed(scheme) || most).replace(
                ".",
                localization.decimalPoint,
            ),
            isValid: (buffer) => !order.getLoyaltyRefusal(scheme, parse(buffer)),
            feedback: (buffer) => this._getLoyaltyPadFeedback(order, scheme, parse(buffer)),
            confirmButtonLabel: _t("Use"),
        });
        if (buffer === undefined) {
            return;
        }
        const result = order.useLoyaltyPoints(scheme, parse(buffer));
        if (result !== true) {
            this.showLoyaltyMessage(_t("Points not used"), result);
        }
        this.updateRewards();
        this.requestLoyaltyQuote();
    },
    _getLoyaltyPadFeedback(order, scheme, points) {
        const refusal = order.getLoyaltyRefusal(scheme, points);
        if (refusal) {
            return refusal;
        }
        const left = scheme.formatPoints(order.getLoyaltyLimits(scheme).balance - points);
        return points
            ? _t("%(value)s off, %(left)s left", { value: scheme.formatPointsValue(points), left })
            : _t("Nothing is used, %(left)s left", { left });
    },
    _getLoyaltyPadRefusal(order, scheme) {
        if (this.data.network.offline) {
            return this._getLoyaltyOfflineMessage(scheme);
        }
        const quote = order.getLoyaltyQuote(scheme);
        if (!quote?.can_redeem) {
            return quote?.notice || _t("Choose a customer who is a member first.");
        }
        const { least, most, balance } = order.getLoyaltyLimits(scheme);
        if (balance < least) {
            return _t("The member has %(balance)s, and %(least)s is the least to use at once.", {
                balance: scheme.formatPoints(balance),
                least: scheme.formatPoints(least),
            });
        }
        if (most < least) {
            return _t("Add goods first: the order is too small to use %(unit)s.", {
                unit: scheme.point_name_plural,
            });
        }
        return false;
    },
    _getLoyaltyOfflineMessage(scheme) {
        return _t(
            "The register is offline, so %(unit)s cannot be used now. Take them off the order, or wait for the connection. What the order earns will follow.",
            { unit: scheme.point_name_plural },
        );
    },
    /**
     * Have the server set aside what the order spends, before the customer pays.
     *
     * @returns {boolean} whether the order can be paid
     */
    async reserveLoyaltyPoints(order) {
        const [line] = order.loyaltyRedemptionLines;
        const { hasLoyaltyTopUp } = order;
        if (!line && !hasLoyaltyTopUp && !order.uiState.loyalty.held) {
            return true;
        }
        let answer = {};
        try {
            answer = await this.data.call("pos.config", "loyalty_reserve", [
                [this.config.id],
                order.getLoyaltyPayload(),
            ]);
        } catch (error) {
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
            if (!line && !hasLoyaltyTopUp) {
                return true;
            }
            answer.message =
                line && !line.reward_id.isLoyaltyWalletReward
                    ? this._getLoyaltyOfflineMessage(line.reward_id.program_id.scheme_id)
                    : _t(
                          "The register is offline, so wallets cannot be used now. Take the wallet off the order, or wait for the connection.",
                      );
        }
        order.uiState.loyalty.held = Boolean(line) && Boolean(answer.successful);
        if (!answer.successful) {
            this.showLoyaltyMessage(
                line && !line.reward_id.isLoyaltyWalletReward
                    ? _t("Points not used")
                    : _t("Wallet not used"),
                answer.message,
            );
            await this.updateLoyaltyQuote(order, { force: true });
        }
        return Boolean(answer.successful);
    },
    async pay() {
        if (!(await this.reserveLoyaltyPoints(this.getOrder()))) {
            return;
        }
        return super.pay(...arguments);
    },
    async deleteOrders(orders) {
        const held = orders
            .filter((order) => order?.uiState.loyalty?.held)
            .map((order) => ({ ...order.getLoyaltyPayload(), lines: [] }));
        const result = await super.deleteOrders(...arguments);
        if (result) {
            await this._freeLoyaltyPoints(held);
        }
        return result;
    },
    async _freeLoyaltyPoints(payloads) {
        for (const payload of payloads) {
            try {
                await this.data.call("pos.config", "loyalty_reserve", [[this.config.id], payload]);
            } catch (error) {
                // Points that stay on hold are free again when their time is over.
                if (!(error instanceof ConnectionLostError)) {
                    throw error;
                }
            }
        }
    },
    async enrolLoyaltyMember(scheme) {
        const order = this.getOrder();
        await this.data.call("pos.config", "loyalty_enrol", [
            [this.config.id],
            scheme.id,
            order.getPartner().id,
        ]);
        await this.updateLoyaltyQuote(order, { force: true });
    },
    get openLoyaltySchemes() {
        return this.models["loyalty.scheme"].filter((scheme) => scheme.state === "open");
    },
    /**
     * Let the cashier enrol somebody who says their phone number.
     *
     * @param {string} phone what was typed already
     * @returns {Object|undefined} the customer, unless the cashier gave up
     */
    async askLoyaltyEnrolment(phone = "") {
        return makeAwaitable(this.dialog, LoyaltyEnrolDialog, {
            schemes: this.openLoyaltySchemes,
            phone,
        });
    },
    /** Enrol somebody for the order at hand. */
    async enrolLoyaltyCustomer() {
        const partner = await this.askLoyaltyEnrolment();
        if (partner) {
            await this.setLoyaltyPartner(partner);
        }
    },
    /**
     * @param {LoyaltyScheme} scheme
     * @param {string} phone
     * @param {string} name
     * @returns {Object} as findLoyaltyMembers
     */
    async enrolLoyaltyPhone(scheme, phone, name) {
        try {
            const answer = await this.data.call("pos.config", "loyalty_enrol_by_phone", [
                [this.config.id],
                scheme.id,
                phone,
                name.trim() || false,
            ]);
            return await this._readLoyaltyAnswer(answer);
        } catch (error) {
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
            const message = _t(
                "The register is offline, so nobody can be enrolled now. Sell as usual, and enrol the customer when the connection is back.",
            );
            return { known: false, isCard: false, partners: [], message };
        }
    },

    // After the sale

    async postProcessLoyalty(order) {
        if (order.isSettledByLedger) {
            // The server has settled everything while it saved the order.
            return;
        }
        return super.postProcessLoyalty(...arguments);
    },
});
