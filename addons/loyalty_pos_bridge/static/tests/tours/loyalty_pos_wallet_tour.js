import * as Chrome from "@point_of_sale/../tests/pos/tours/utils/chrome_util";
import * as Dialog from "@point_of_sale/../tests/generic_helpers/dialog_util";
import * as Loyalty from "@loyalty_pos_bridge/../tests/tours/utils/loyalty_pos_util";
import * as PaymentScreen from "@point_of_sale/../tests/pos/tours/utils/payment_screen_util";
import * as PosLoyalty from "@pos_loyalty/../tests/tours/utils/pos_loyalty_util";
import * as ProductScreen from "@point_of_sale/../tests/pos/tours/utils/product_screen_util";
import * as ReceiptScreen from "@point_of_sale/../tests/pos/tours/utils/receipt_screen_util";
import * as TicketScreen from "@point_of_sale/../tests/pos/tours/utils/ticket_screen_util";
import { scan_barcode } from "@point_of_sale/../tests/generic_helpers/utils";
import { registry } from "@web/core/registry";

const CARD = "0421234567891";

const walletIs = (balance) => ({
    content: `the member bar shows ${balance} in the wallet`,
    trigger: `.loyalty-bar-wallet:contains("${balance}")`,
});

const pay = (method) =>
    [
        ProductScreen.clickPayButton(),
        method ? PaymentScreen.clickPaymentMethod(method) : [],
        PaymentScreen.clickValidate(),
        ReceiptScreen.isShown(),
    ].flat();

registry.category("web_tour.tours").add("LoyaltyPosWallet", {
    steps: () =>
        [
            Chrome.startPoS(),
            Dialog.confirm("Open Register"),
            scan_barcode(CARD),
            walletIs("0.00"),
            ProductScreen.clickDisplayedProduct("Harmony Coffee Wallet: Top Up"),
            ProductScreen.totalAmountIs("50.00"),
            pay("Cash"),
            Loyalty.receiptSays("Put into wallet", "In wallet", "50.00"),
            ReceiptScreen.clickNextOrder(),
            // Pay with it
            scan_barcode(CARD),
            walletIs("50.00"),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            ProductScreen.clickDisplayedProduct("Blue Mug"),
            ProductScreen.totalAmountIs("20.00"),
            Loyalty.earns("+20 beans"),
            PosLoyalty.eWalletButtonState({ highlighted: true, text: "eWallet Pay", click: true }),
            ProductScreen.totalAmountIs("0.00"),
            Loyalty.earns("+20 beans"),
            pay(),
            Loyalty.receiptSays("Paid with wallet", "20.00", "In wallet", "30.00"),
            ReceiptScreen.clickNextOrder(),
            // Buy for cash, bring it back, and have the money put into the wallet
            scan_barcode(CARD),
            walletIs("30.00"),
            ProductScreen.clickDisplayedProduct("Carrot Cake"),
            pay("Cash"),
            ReceiptScreen.clickNextOrder(),
            ProductScreen.clickRefund(),
            TicketScreen.selectOrder("003"),
            TicketScreen.confirmRefund(),
            Dialog.confirm("Return"),
            PaymentScreen.clickBack(),
            PosLoyalty.eWalletButtonState({
                highlighted: true,
                text: "eWallet Refund",
                click: true,
            }),
            ProductScreen.totalAmountIs("0.00"),
            pay(),
            Loyalty.receiptSays("Put into wallet", "10.00", "In wallet", "40.00"),
            ReceiptScreen.clickNextOrder(),
            // Goods that the wallet had paid for bring its money back
            ProductScreen.clickRefund(),
            TicketScreen.selectOrder("002"),
            ProductScreen.clickLine("Blue Mug"),
            ProductScreen.clickNumpad("1"),
            TicketScreen.confirmRefund(),
            Dialog.bodyIs("10.00 of the refund are paid back to the wallet."),
            Dialog.confirm("Return"),
            PaymentScreen.clickValidate(),
            ReceiptScreen.isShown(),
            Loyalty.receiptSays("Paid back to wallet", "In wallet", "50.00"),
            ReceiptScreen.clickNextOrder(),
        ].flat(),
});
