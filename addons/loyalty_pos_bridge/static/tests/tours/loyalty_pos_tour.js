import * as Chrome from "@point_of_sale/../tests/pos/tours/utils/chrome_util";
import * as Dialog from "@point_of_sale/../tests/generic_helpers/dialog_util";
import * as Loyalty from "@loyalty_pos_bridge/../tests/tours/utils/loyalty_pos_util";
import * as Offline from "@point_of_sale/../tests/generic_helpers/offline_util";
import * as PaymentScreen from "@point_of_sale/../tests/pos/tours/utils/payment_screen_util";
import * as ProductScreen from "@point_of_sale/../tests/pos/tours/utils/product_screen_util";
import * as ReceiptScreen from "@point_of_sale/../tests/pos/tours/utils/receipt_screen_util";
import * as TicketScreen from "@point_of_sale/../tests/pos/tours/utils/ticket_screen_util";
import { scan_barcode } from "@point_of_sale/../tests/generic_helpers/utils";
import { registry } from "@web/core/registry";

const CARD = "0421234567891";

const start = () => [Chrome.startPoS(), Dialog.confirm("Open Register")].flat();

const payCash = () =>
    [
        ProductScreen.clickPayButton(),
        PaymentScreen.clickPaymentMethod("Cash"),
        PaymentScreen.clickValidate(),
        ReceiptScreen.isShown(),
    ].flat();

registry.category("web_tour.tours").add("LoyaltyPosEarnAndRedeem", {
    steps: () =>
        [
            start(),
            scan_barcode(CARD),
            Loyalty.memberIs("Anna Bean", "120 beans = $"),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            Loyalty.earns("+10 beans"),
            ProductScreen.clickDisplayedProduct("Blue Mug"),
            ProductScreen.clickDisplayedProduct("Carrot Cake"),
            Loyalty.earns("+30 beans"),
            payCash(),
            Loyalty.receiptSays("Earned", "30 beans", "New balance", "150 beans"),
            ReceiptScreen.clickNextOrder(),
            // The next order uses some of it
            scan_barcode(CARD),
            Loyalty.memberIs("Anna Bean", "150 beans"),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            Loyalty.openPad(),
            Loyalty.padShows("150", "$ 1.50 off"),
            Dialog.discard(),
            Loyalty.usePoints("40"),
            ProductScreen.totalAmountIs("9.60"),
            Loyalty.earns("+9 beans"),
            // The same amount stays while the order changes
            ProductScreen.clickDisplayedProduct("Blue Mug"),
            ProductScreen.totalAmountIs("19.60"),
            payCash(),
            Loyalty.receiptSays("Used", "40 beans", "129 beans"),
            ReceiptScreen.clickNextOrder(),
        ].flat(),
});

registry.category("web_tour.tours").add("LoyaltyPosEnrol", {
    steps: () =>
        [
            start(),
            // Somebody new
            Loyalty.openEnrolment(),
            Loyalty.enrol("12"),
            Loyalty.enrolmentIsRefused("12 is not a phone number"),
            Loyalty.enrol("+32 470 65 43 21", "Cleo Phone"),
            ProductScreen.customerIs("Cleo Phone"),
            Loyalty.memberIs("Cleo Phone", "0 beans"),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            Loyalty.earns("+10 beans"),
            payCash(),
            Loyalty.receiptSays("10 beans"),
            ReceiptScreen.clickNextOrder(),
            // A number of a member picks that member
            Loyalty.openEnrolment(),
            Loyalty.enrol("+32470123456"),
            Loyalty.memberIs("Anna Bean", "120 beans"),
            // A number that the list of customers does not know
            ProductScreen.clickPartnerButton(),
            Loyalty.searchMember("+32 470 65 43 29"),
            { trigger: ".loyalty-enrol-phone", run: "click" },
            { trigger: "#loyalty_enrol_phone:value(+32 470 65 43 29)" },
            { trigger: ".loyalty-enrol-confirm:enabled", run: "click" },
            Loyalty.memberIs("+32470654329", "0 beans"),
            Chrome.endTour(),
        ].flat(),
});

registry.category("web_tour.tours").add("LoyaltyPosScanAnywhere", {
    steps: () =>
        [
            start(),
            // On the payment screen
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            ProductScreen.clickPayButton(),
            scan_barcode("0429999999995"),
            Loyalty.messageIs("No member has the card 0429999999995"),
            scan_barcode(CARD),
            Loyalty.payerIs("Anna Bean"),
            PaymentScreen.clickPaymentMethod("Cash"),
            PaymentScreen.clickValidate(),
            ReceiptScreen.isShown(),
            Loyalty.receiptSays("10 beans", "130 beans"),
            ReceiptScreen.clickNextOrder(),
            // In the list of customers
            ProductScreen.clickPartnerButton(),
            scan_barcode("0429999999995"),
            Loyalty.messageIs("No member has the card 0429999999995"),
            scan_barcode("0426666666662"),
            Loyalty.messageIs("was reported lost"),
            scan_barcode(CARD),
            Dialog.isNot(),
            Loyalty.memberIs("Anna Bean", "130 beans"),
            ProductScreen.clickPartnerButton(),
            { trigger: ".partner-list .unselect-tag", run: "click" },
            // By a scanner that types into its search field
            ProductScreen.clickPartnerButton(),
            Loyalty.typeAndEnter("0426666666662"),
            Loyalty.messageIs("was reported lost"),
            Loyalty.typeAndEnter(CARD),
            Dialog.isNot(),
            Loyalty.memberIs("Anna Bean", "130 beans"),
            Chrome.endTour(),
        ].flat(),
});

registry.category("web_tour.tours").add("LoyaltyPosReprint", {
    steps: () =>
        [
            start(),
            scan_barcode(CARD),
            Loyalty.memberIs("Anna Bean", "120 beans"),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            Loyalty.usePoints("40"),
            payCash(),
            Loyalty.receiptSays("Used", "40 beans", "89 beans"),
            ReceiptScreen.clickNextOrder(),
            scan_barcode(CARD),
            Loyalty.memberIs("Anna Bean", "89 beans"),
            ProductScreen.clickDisplayedProduct("Blue Mug"),
            payCash(),
            Loyalty.receiptSays("99 beans"),
            ReceiptScreen.clickNextOrder(),
            // The first receipt still says what it said
            Chrome.clickOrders(),
            TicketScreen.selectFilter("Paid"),
            TicketScreen.selectOrder("001"),
            Loyalty.reprint(),
            Loyalty.reprintSays("Used", "40 beans", "New balance", "89 beans"),
        ].flat(),
});

registry.category("web_tour.tours").add("LoyaltyPosDisplay", {
    steps: () =>
        [
            start(),
            Loyalty.watchDisplay(),
            scan_barcode(CARD),
            Loyalty.displayShows({ name: "Anna", balance: "120 beans", earned: "", used: "" }),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            Loyalty.displayShows({ earned: "10 beans" }),
            Loyalty.usePoints("40"),
            Loyalty.displayShows({ used: "40 beans", earned: "9 beans" }),
            payCash(),
            Loyalty.displayShows({ used: "40 beans", earned: "9 beans", balance: "89 beans" }),
            ReceiptScreen.clickNextOrder(),
            Loyalty.displayShowsNobody(),
        ].flat(),
});

registry.category("web_tour.tours").add("LoyaltyPosReturn", {
    steps: () =>
        [
            start(),
            scan_barcode(CARD),
            Loyalty.memberIs("Anna Bean", "120 beans"),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            ProductScreen.clickDisplayedProduct("Blue Mug"),
            ProductScreen.clickDisplayedProduct("Carrot Cake"),
            Loyalty.usePoints("100"),
            ProductScreen.totalAmountIs("29.00"),
            payCash(),
            ReceiptScreen.clickNextOrder(),
            ProductScreen.clickRefund(),
            TicketScreen.selectOrder("001"),
            ProductScreen.clickLine("Blue Mug"),
            ProductScreen.clickNumpad("1"),
            TicketScreen.toRefundTextContains("To Refund: 1"),
            TicketScreen.confirmRefund(),
            Dialog.bodyIs("beans are taken back."),
            Dialog.bodyIs("33 beans are given back."),
            Dialog.bodyIs("0.33"),
            Dialog.confirm("Return"),
            PaymentScreen.totalIs("9.67"),
            PaymentScreen.clickPaymentMethod("Cash"),
            PaymentScreen.clickValidate(),
            ReceiptScreen.isShown(),
            Loyalty.receiptSays("Taken back", "Given back", "33 beans"),
            ReceiptScreen.clickNextOrder(),
        ].flat(),
});

registry.category("web_tour.tours").add("LoyaltyPosRefusals", {
    steps: () =>
        [
            start(),
            scan_barcode("0429999999995"),
            Loyalty.messageIs("No member has the card 0429999999995"),
            // Sold on, with a warning, and without points
            scan_barcode("0427777777773"),
            Loyalty.memberIs("Bob Blocked", "0 beans"),
            Loyalty.noticeIs("is blocked"),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            { trigger: "body:not(:has(.loyalty-bar-use))" },
            // A card that was reported lost sets nobody
            scan_barcode("0426666666662"),
            Loyalty.messageIs("was reported lost"),
            ProductScreen.customerIs("Bob Blocked"),
            // More than there is
            scan_barcode(CARD),
            Loyalty.memberIs("Anna Bean", "120 beans"),
            Loyalty.openPad(),
            Loyalty.padShows("120", "$ 1.20 off"),
            { trigger: ".modal .numpad button:contains('9')", run: "click" },
            { trigger: ".modal .numpad button:contains('9')", run: "click" },
            { trigger: ".modal .numpad button:contains('9')", run: "click" },
            Dialog.bodyIs("The member has 120 beans"),
            Dialog.footerBtnIsDisabled("Use"),
            Dialog.discard(),
            // Typed instead of scanned: the field of customers takes numbers
            ProductScreen.clickPartnerButton(),
            Loyalty.searchMember("+32 470 65 43 21"),
            ProductScreen.clickCustomer("Cleo Phone"),
            Loyalty.memberIs("Cleo Phone", "0 beans"),
            Chrome.endTour(),
        ].flat(),
});

registry.category("web_tour.tours").add("LoyaltyPosOffline", {
    steps: () =>
        [
            start(),
            scan_barcode(CARD),
            Loyalty.memberIs("Anna Bean", "120 beans"),
            ProductScreen.clickDisplayedProduct("Bag of Coffee"),
            Loyalty.usePoints("40"),
            Offline.setOfflineMode(),
            ProductScreen.clickPayButton(false),
            Loyalty.messageIs("The register is offline"),
            // What this one earns, nobody can ask for
            ProductScreen.clickDisplayedProduct("Blue Mug"),
            Loyalty.willFollow(),
            Offline.setOnlineMode(),
            ProductScreen.clickPayButton(),
            PaymentScreen.clickPaymentMethod("Cash"),
            PaymentScreen.clickValidate(),
            ReceiptScreen.isShown(),
            ReceiptScreen.clickNextOrder(),
        ].flat(),
});
