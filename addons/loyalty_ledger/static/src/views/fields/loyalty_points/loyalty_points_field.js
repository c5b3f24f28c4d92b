import { registry } from "@web/core/registry";
import { FloatField, floatField } from "@web/views/fields/float/float_field";
import { formatFloat } from "@web/views/fields/formatters";

const DIGITS = [16, 4]; // those of the decimal precision "Loyalty Points"

/**
 * Points, with the decimals that they have and no others: a scheme of whole points shows
 * none.
 *
 * The option `hide_trailing_zeros` does the same in a form and in the rows of a list. A
 * widget is also asked for the totals of a list and of its groups, for a pivot and for a
 * graph.
 */
export const loyaltyPointsField = {
    ...floatField,
    component: FloatField,
    extractProps: (fieldInfo, dynamicInfo) => ({
        ...floatField.extractProps(fieldInfo, dynamicInfo),
        trailingZeros: false,
    }),
};

export function formatLoyaltyPoints(value, options = {}) {
    return formatFloat(value, {
        ...options,
        digits: options.digits || options.field?.digits || DIGITS,
        trailingZeros: false,
    });
}
formatLoyaltyPoints.extractOptions = formatFloat.extractOptions;

registry.category("fields").add("loyalty_points", loyaltyPointsField);
registry.category("formatters").add("loyalty_points", formatLoyaltyPoints);
