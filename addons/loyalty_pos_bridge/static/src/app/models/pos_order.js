import { PosOrder } from "@point_of_sale/app/models/pos_order";
import { patch } from "@web/core/utils/patch";
import { _t } from "@web/core/l10n/translation";
// Patched before, whatever order files are loaded in
import "@pos_loyalty/app/models/pos_order";

// Float noise of the browser; the smallest step of points is 0.0001.
const NOISE = 1e-6;

patch(PosOrder.prototype, {
    initState() {
        super.initState();
        this.uiState = { ...this.uiState, loyalty: this._getInitialLoyaltyState() };
    },
    restoreState(uiState) {
        super.restoreState(...arguments);
        // A balance from before a reload may be wrong by now: ask again.
        this.uiState.loyalty = {
            ...this._getInitialLoyaltyState(),
            chosen: uiState?.loyalty?.chosen || {},
            held: uiState?.loyalty?.held || false,
        };
    },
    _getInitialLoyaltyState() {
        return {
            // What the server last said, by id of the scheme
            quotes: {},
            // The order as it was when the server said so
            digest: "",
            // Points that the cashier chose to use, by id of the reward
            chosen: {},
            // Whether the last question got no answer, for want of a connection
            unanswered: false,
            // Whether the server has set points aside for this order
            held: false,
        };
    },

    // What the server knows

    get loyaltySchemes() {
        return this.models["loyalty.scheme"]?.getAll() || [];
    },
    getLoyaltyQuote(scheme) {
        return this.uiState.loyalty.quotes[scheme?.id];
    },
    /** Whether the last quote is about the order as it is now. */
    get isLoyaltyQuoteFresh() {
        return this.uiState.loyalty.digest === this.loyaltyDigest;
    },
    get loyaltyDigest() {
        return JSON.stringify(this.getLoyaltyPayload());
    },
    /** The order as pos.config.loyalty_quote and loyalty_reserve take it. */
    getLoyaltyPayload() {
        return {
            uuid: this.uuid,
            partner_id: this.getPartner()?.id || false,
            fiscal_position_id: this.fiscal_position_id?.id || false,
            lines: this.lines.map((line) => ({
                uuid: line.uuid,
                product_id: line.product_id.id,
                qty: line.getQuantity(),
                price_unit: line.price_unit,
                price_subtotal: line.priceExcl,
                price_subtotal_incl: line.priceIncl,
                discount: line.getDiscount(),
                tax_ids: line.tax_ids.map((tax) => tax.id),
                is_reward_line: Boolean(line.is_reward_line),
                reward_id: line.reward_id?.id || false,
                reward_identifier_code: line.reward_identifier_code || false,
                points_cost: line.points_cost || 0,
                refunded_orderline_id: this._getSyncedId(line.refunded_orderline_id),
            })),
            payment_method_ids: [
                ...new Set(
                    this.payment_ids
                        .filter((payment) => !payment.is_change)
                        .map((payment) => payment.payment_method_id.id),
                ),
            ].sort((first, second) => first - second),
        };
    },
    _getSyncedId(record) {
        return record?.isSynced ? record.id : false;
    },
    /** Whether the order was paid without a connection, so that nobody knows its points yet. */
    get loyaltyWillFollow() {
        return (
            this.finalized &&
            !this.isSynced &&
            Object.values(this.uiState.loyalty.quotes).some((quote) => quote.is_member)
        );
    },
    setPartner(partner) {
        const oldPartner = this.getPartner();
        super.setPartner(...arguments);
        if (oldPartner !== this.getPartner()) {
            Object.assign(this.uiState.loyalty, { quotes: {}, digest: "", chosen: {} });
        }
    },

    // Using points

    get loyaltyRedemptionLines() {
        return this.lines.filter((line) => line.isLoyaltyRedemption);
    },
    getLoyaltyPointsUsed(scheme) {
        return this.loyaltyRedemptionLines
            .filter((line) => line.reward_id.program_id.id === scheme.program?.id)
            .reduce((points, line) => points + line.points_cost, 0);
    },
    getLoyaltyWalletUsed(program) {
        return this.loyaltyRedemptionLines
            .filter((line) => line.reward_id.program_id.id === program.id)
            .reduce((amount, line) => amount + line.points_cost, 0);
    },
    /** The lines that put what they cost into a wallet. */
    getLoyaltyTopUps(program) {
        const productIds = program.trigger_product_ids.map((product) => product.id);
        return this.lines.filter(
            (line) =>
                productIds.includes(line.product_id.id) &&
                !line.is_reward_line &&
                !line.refunded_orderline_id,
        );
    },
    get hasLoyaltyTopUp() {
        return this.models["loyalty.program"].some(
            (program) =>
                program.ledger_managed &&
                program.program_type === "ewallet" &&
                this.getLoyaltyTopUps(program).length > 0,
        );
    },
    /**
     * The fewest and the most points that can be used on this order now.
     *
     * @param {LoyaltyScheme} scheme
     * @returns {{least: number, most: number, balance: number}} in points
     */
    getLoyaltyLimits(scheme) {
        const quote = this.getLoyaltyQuote(scheme);
        const balance = quote?.spendable || 0;
        const reward = scheme.pointsReward;
        const least = Math.max(scheme.redeem_minimum, scheme.points_rounding);
        if (!reward || !quote?.can_redeem) {
            return { least, most: 0, balance };
        }
        const alreadyOff = this.lines
            .filter((line) => line.reward_id?.id === reward.id)
            .reduce((total, line) => total - line.priceIncl, 0);
        const total = Math.max(this.priceIncl + alreadyOff, 0);
        const share = (total * scheme.redeem_max_share) / 100;
        const other = this.getLoyaltyPointsUsed(scheme) - this._getPointsCost(reward);
        // A whole receipt may be paid with the one point more that its last cent needs
        const room =
            scheme.redeem_max_share < 100
                ? scheme.roomForPoints(share)
                : scheme.moneyToPoints(total);
        return {
            least,
            most: Math.max(Math.min(scheme.floorPoints(balance - other), room), 0),
            balance,
        };
    },
    _getPointsCost(reward) {
        return this.lines
            .filter((line) => line.is_reward_line && line.reward_id?.id === reward.id)
            .reduce((points, line) => points + line.points_cost, 0);
    },
    /**
     * Why an amount of points cannot be used, in a sentence for the cashier.
     *
     * @param {LoyaltyScheme} scheme
     * @param {number} points
     * @returns {string|false}
     */
    getLoyaltyRefusal(scheme, points) {
        const { least, most, balance } = this.getLoyaltyLimits(scheme);
        if (Number.isNaN(points) || points < 0) {
            return _t("Type how many %(unit)s to use.", { unit: scheme.point_name_plural });
        }
        if (!points) {
            return false;
        }
        if (points > balance + NOISE) {
            return _t("The member has %(balance)s. Type no more than that.", {
                balance: scheme.formatPoints(balance),
            });
        }
        if (points > most + NOISE) {
            return _t("No more than %(most)s can be used on this order.", {
                most: scheme.formatPoints(most),
            });
        }
        if (points < least - NOISE) {
            return _t("At least %(least)s must be used at once.", {
                least: scheme.formatPoints(least),
            });
        }
        if (!scheme.isWholeSteps(points)) {
            return _t("Use %(unit)s in steps of %(step)s.", {
                unit: scheme.point_name_plural,
                step: scheme.formatPoints(scheme.points_rounding),
            });
        }
        return false;
    },
    /**
     * Take points off the order as money; zero takes them away again.
     *
     * @param {LoyaltyScheme} scheme
     * @param {number} points
     * @returns {true|string} what went wrong, in a sentence
     */
    useLoyaltyPoints(scheme, points) {
        const refusal = this.getLoyaltyRefusal(scheme, points);
        if (refusal) {
            return refusal;
        }
        const reward = scheme.pointsReward;
        for (const line of this.lines.filter((line) => line.reward_id?.id === reward.id)) {
            line.delete();
        }
        delete this.uiState.loyalty.chosen[reward.id];
        if (!points) {
            return true;
        }
        this.uiState.loyalty.chosen[reward.id] = points;
        this.uiState.disabledRewards.delete(reward.id);
        return this._applyReward(reward, this.getLoyaltyQuote(scheme).account_id);
    },

    // Returns

    /**
     * Keep back, on a return, what points had paid for: one line for each discount that the
     * returned goods had a part in, as the server works it out.
     *
     * @param {Object[]} quotes
     */
    updateLoyaltyShares(quotes) {
        const shares = Object.fromEntries(
            quotes.flatMap((quote) => quote.shares).map((share) => [share.line_id, share]),
        );
        for (const line of this.lines.filter((line) => line.isLoyaltyShare)) {
            const share = shares[line.refunded_orderline_id.id];
            delete shares[line.refunded_orderline_id.id];
            if (!share) {
                line.delete();
            } else if (Math.abs(line.price_unit - share.price_unit) > NOISE) {
                line.setUnitPrice(share.price_unit);
            }
        }
        for (const share of Object.values(shares)) {
            const origin = this.models["pos.order.line"].get(share.line_id);
            this.models["pos.order.line"].create({
                order_id: this,
                product_id: origin.product_id,
                qty: -1,
                price_unit: share.price_unit,
                price_type: "manual",
                tax_ids: origin.tax_ids.map((tax) => ["link", tax]),
                refunded_orderline_id: origin,
            });
        }
    },

    // Native loyalty

    /**
     * Points of managed programs come from the server's quote: the till has no rules of its own.
     */
    pointsForPrograms(programs) {
        const result = super.pointsForPrograms(
            programs.filter((program) => !program.ledger_managed),
        );
        for (const program of programs.filter((program) => program.ledger_managed)) {
            const isWallet = program.program_type === "ewallet";
            const quote = this.getLoyaltyQuote(program.scheme_id);
            const points = (!isWallet && quote?.points) || 0;
            result[program.id] = points > 0 ? [{ points }] : [];
        }
        return result;
    },
    _getPointsCorrection(program) {
        // The quote is about what is paid for, free products included.
        return program.ledger_managed ? 0 : super._getPointsCorrection(...arguments);
    },
    /**
     * Points can be spent that are on the account, not those that this order is about to earn.
     */
    _getRealCouponPoints(coupon_id) {
        const program = this.models["loyalty.card"].get(coupon_id)?.program_id;
        if (!program?.ledger_managed) {
            return super._getRealCouponPoints(...arguments);
        }
        const quote = this.getLoyaltyQuote(program.scheme_id);
        if (program.program_type === "ewallet") {
            return (quote?.wallet?.spendable || 0) - this.getLoyaltyWalletUsed(program);
        }
        return (quote?.spendable || 0) - this.getLoyaltyPointsUsed(program.scheme_id);
    },
    /** A wallet does not pay for what tops it up. */
    _getDiscountableOnOrder(reward) {
        const result = super._getDiscountableOnOrder(...arguments);
        if (!reward.isLoyaltyWalletReward) {
            return result;
        }
        const topUps = this.getLoyaltyTopUps(reward.program_id);
        const amount = topUps.reduce((total, line) => total + line.priceIncl, 0);
        return { ...result, discountable: Math.max(result.discountable - amount, 0) };
    },
    /** Managed programs have a display of their own, for they say more than points. */
    getLoyaltyPoints() {
        return super.getLoyaltyPoints().filter(({ program }) => !program.ledger_managed);
    },
    /**
     * Give the discount for the points that the cashier chose, as far as the order has room.
     */
    _getRewardLineValuesDiscount(args) {
        const { reward } = args;
        if (!reward.isLoyaltyPointsReward) {
            return super._getRewardLineValuesDiscount(...arguments);
        }
        const scheme = reward.program_id.scheme_id;
        const { least, most } = this.getLoyaltyLimits(scheme);
        const chosen = args.points ?? this.uiState.loyalty.chosen[reward.id] ?? most;
        const points = Math.min(chosen, most);
        if (points < least - NOISE) {
            return _t("At least %(least)s must be used at once.", {
                least: scheme.formatPoints(least),
            });
        }
        // Odoo spreads a discount over the taxes; here it is a fixed amount, and the price of it
        // is the number of points, not what rounded money divides into.
        const fixed = { discount_mode: "per_order", discount: scheme.pointsToMoney(points) };
        const lines = super._getRewardLineValuesDiscount({
            ...args,
            reward: new Proxy(reward, {
                get: (target, name) => (name in fixed ? fixed[name] : Reflect.get(target, name)),
            }),
        });
        if (!Array.isArray(lines)) {
            return lines;
        }
        return lines.map((line, index) => ({
            ...line,
            reward_id: reward,
            points_cost: index ? 0 : points,
        }));
    },
    removeOrderline(line) {
        if (line.isLoyaltyRedemption) {
            delete this.uiState.loyalty.chosen[line.reward_id.id];
        }
        return super.removeOrderline(...arguments);
    },
    /** Whether everything that the order does to points was settled when it was saved. */
    get isSettledByLedger() {
        const programs = Object.values(this.uiState.couponPointChanges).map(({ program_id }) =>
            this.models["loyalty.program"].get(program_id),
        );
        return (
            programs.every((program) => program?.ledger_managed) &&
            this._get_reward_lines().every((line) => line.isLoyaltyRedemption)
        );
    },
});
