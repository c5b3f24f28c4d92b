import * as Chrome from "@point_of_sale/../tests/pos/tours/utils/chrome_util";
import * as Dialog from "@point_of_sale/../tests/generic_helpers/dialog_util";
import * as Loyalty from "@loyalty_pos_bridge/../tests/tours/utils/loyalty_pos_util";
import * as PaymentScreen from "@point_of_sale/../tests/pos/tours/utils/payment_screen_util";
import * as ProductScreen from "@point_of_sale/../tests/pos/tours/utils/product_screen_util";
import * as ReceiptScreen from "@point_of_sale/../tests/pos/tours/utils/receipt_screen_util";
import { scan_barcode } from "@point_of_sale/../tests/generic_helpers/utils";
import { registry } from "@web/core/registry";

const CARD = "0421234567891";

const pay = () =>
    [
        ProductScreen.clickPayButton(),
        PaymentScreen.clickPaymentMethod("Cash"),
        PaymentScreen.clickValidate(),
        ReceiptScreen.isShown(),
    ].flat();

registry.category("web_tour.tours").add("LoyaltyPosTier", {
    steps: () =>
        [
            Chrome.startPoS(),
            Dialog.confirm("Open Register"),
            scan_barcode(CARD),
            Loyalty.memberIs("Anna Bean", "120 beans"),
            Loyalty.hasNoBadge(),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            ProductScreen.clickDisplayedProduct("Blue Mug"),
            ProductScreen.clickDisplayedProduct("Carrot Cake"),
            Loyalty.earns("+30 beans"),
            pay(),
            Loyalty.receiptSays("Welcome to Gold!", "Your tier"),
            ReceiptScreen.clickNextOrder(),
            // What the new tier gives holds from the next order on
            scan_barcode(CARD),
            Loyalty.badgeIs("Gold"),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            Loyalty.earns("+20 beans"),
            ProductScreen.clickDisplayedProduct("Blue Mug"),
            Loyalty.earns("+30 beans"),
            pay(),
            Loyalty.receiptSays("30 beans", "180 beans", "Gold"),
            ReceiptScreen.clickNextOrder(),
        ].flat(),
});

registry.category("web_tour.tours").add("LoyaltyPosTierElsewhere", {
    steps: () =>
        [
            Chrome.startPoS(),
            Dialog.confirm("Open Register"),
            scan_barcode(CARD),
            Loyalty.badgeIs("Gold"),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            Loyalty.earns("+10 beans"),
            pay(),
            Loyalty.receiptSays("10 beans", "160 beans", "Gold"),
            ReceiptScreen.clickNextOrder(),
        ].flat(),
});
