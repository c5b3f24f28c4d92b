import { addProductLineToOrder } from "@pos_loyalty/../tests/unit/utils";
import { setupPosEnv } from "@point_of_sale/../tests/unit/utils";

const PRODUCT = 5;
const DISCOUNT_PRODUCT = 6;

/**
 * A till that serves one scheme: a bean is worth a cent, up to the whole receipt.
 *
 * @param {Object} schemeValues what is different about the scheme
 */
export async function setupSchemeEnv(schemeValues = {}) {
    const store = await setupPosEnv();
    const { models } = store;
    const scheme = models["loyalty.scheme"].create({
        id: 1,
        name: "Harmony Coffee",
        state: "open",
        point_name: "bean",
        point_name_plural: "beans",
        color_primary: "#0B5D3B",
        color_text: "#FFFFFF",
        currency_id: models["res.currency"].get(1),
        points_rounding: 1,
        redeem_points: 100,
        redeem_value: 1,
        redeem_minimum: 0,
        redeem_max_share: 100,
        ...schemeValues,
    });
    const program = models["loyalty.program"].create({
        id: 100,
        name: "Beans",
        program_type: "loyalty",
        trigger: "auto",
        applies_on: "both",
        is_nominative: true,
        ledger_managed: true,
        scheme_id: scheme,
    });
    const reward = models["loyalty.reward"].create({
        id: 100,
        description: "Beans as money",
        program_id: program,
        reward_type: "discount",
        discount_mode: "per_point",
        discount: 0.01,
        discount_applicability: "order",
        required_points: 1,
        discount_line_product_id: models["product.product"].get(DISCOUNT_PRODUCT),
    });
    return { store, scheme, program, reward };
}

/** An order of a member whose quote the server has just given. */
export async function getMemberOrder(store, scheme, { price = 10, quote = {} } = {}) {
    const order = store.addNewOrder();
    order.setPartner(store.models["res.partner"].get(1));
    const line = await addUntaxedLine(store, order, price);
    setQuote(order, scheme, quote);
    return { order, line };
}

export async function addUntaxedLine(store, order, price, values = {}) {
    const line = await addProductLineToOrder(store, order, {
        templateId: PRODUCT,
        productId: PRODUCT,
        price_unit: price,
        ...values,
    });
    line.tax_ids = [];
    line.setUnitPrice(price);
    return line;
}

export function setQuote(order, scheme, values) {
    const quote = {
        scheme_id: scheme.id,
        is_member: true,
        name: "Anna Bean",
        account_id: 77,
        partner_id: 1,
        balance: 120,
        balance_text: "120 beans",
        value_text: "$ 1.20",
        spendable: 120,
        points: 10,
        earns: true,
        points_text: "10 beans",
        available_text: false,
        shares: [],
        notice: false,
        can_redeem: true,
        can_enrol: false,
        ...values,
    };
    order.uiState.loyalty.quotes = { [scheme.id]: quote };
    order.uiState.loyalty.digest = order.loyaltyDigest;
    return quote;
}

/** The line by which points pay, as native loyalty makes it. */
export async function addPointsLine(store, order, reward, points) {
    return addUntaxedLine(store, order, -points / 100, {
        templateId: DISCOUNT_PRODUCT,
        productId: DISCOUNT_PRODUCT,
        is_reward_line: true,
        reward_id: reward,
        points_cost: points,
    });
}
