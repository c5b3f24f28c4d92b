import { Base } from "@point_of_sale/app/models/related_models";
import { formatCurrency } from "@point_of_sale/app/models/utils/currency";
import { registry } from "@web/core/registry";
import { formatFloat, roundPrecision } from "@web/core/utils/numbers";

// Divisions of money leave noise such as 39.99999999999; it must not cost a step.
const NOISE = 1e-6;
const POINTS_DIGITS = 4;

export class LoyaltyScheme extends Base {
    static pythonModel = "loyalty.scheme";

    get program() {
        return this._getProgram((program) => program.program_type !== "ewallet");
    }

    get walletProgram() {
        return this._getProgram((program) => program.program_type === "ewallet");
    }

    _getProgram(isWanted) {
        return this.models["loyalty.program"].find(
            (program) => program.scheme_id?.id === this.id && isWanted(program),
        );
    }

    /** The native reward that turns points into money. */
    get pointsReward() {
        return this.program?.reward_ids.find((reward) => reward.isLoyaltyPointsReward);
    }

    get pointValue() {
        return this.redeem_value / this.redeem_points;
    }

    formatPoints(points) {
        const amount = roundPrecision(points || 0, 10 ** -POINTS_DIGITS);
        const number = formatFloat(amount, { digits: [16, POINTS_DIGITS], trailingZeros: false });
        return `${number} ${Math.abs(amount) === 1 ? this.point_name : this.point_name_plural}`;
    }

    formatPointsValue(points) {
        return formatCurrency(this.pointsToMoney(points), this.currency_id);
    }

    /** What points are worth, rounded down to the smallest coin, as on the server. */
    pointsToMoney(points) {
        return this._toSteps(points * this.pointValue, this.currency_id.rounding, Math.floor);
    }

    /** The points that pay for an amount, rounded up to whole steps, as on the server. */
    moneyToPoints(amount) {
        return this._toSteps(amount / this.pointValue, this.points_rounding, Math.ceil);
    }

    /** The points that an amount has room for. */
    roomForPoints(amount) {
        return this._toSteps(amount / this.pointValue, this.points_rounding, Math.floor);
    }

    floorPoints(points) {
        return this._toSteps(points, this.points_rounding, Math.floor);
    }

    isWholeSteps(points) {
        return Math.abs(points - roundPrecision(points, this.points_rounding)) < NOISE;
    }

    _toSteps(value, step, round) {
        const steps = value / step;
        const nearest = Math.round(steps);
        const whole = Math.abs(steps - nearest) < NOISE ? nearest : round(steps);
        return roundPrecision(whole * step, step);
    }
}

registry.category("pos_available_models").add(LoyaltyScheme.pythonModel, LoyaltyScheme);
