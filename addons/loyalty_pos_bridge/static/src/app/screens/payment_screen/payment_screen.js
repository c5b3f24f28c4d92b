import { useBarcodeReader } from "@point_of_sale/app/hooks/barcode_reader_hook";
import { PaymentScreen } from "@point_of_sale/app/screens/payment_screen/payment_screen";
import { patch } from "@web/core/utils/patch";

patch(PaymentScreen.prototype, {
    setup() {
        super.setup(...arguments);
        useBarcodeReader({
            client: this._onLoyaltyCardScan,
            product: this._onLoyaltyCardScan,
        });
    },
    async _onLoyaltyCardScan(code) {
        if (!(await this.pos.scanLoyaltyCard(code.code))) {
            this.pos.showUnknownLoyaltyCard(code.code);
        }
    },
});
