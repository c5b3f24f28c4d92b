import * as Dialog from "@point_of_sale/../tests/generic_helpers/dialog_util";
import { waitUntil } from "@odoo/hoot-dom";
import * as NumberPopup from "@point_of_sale/../tests/generic_helpers/number_popup_util";

export function memberIs(name, balance) {
    return [
        {
            content: `the member bar shows ${name}`,
            trigger: `.loyalty-bar-name:contains("${name}")`,
        },
        {
            content: `the member bar shows ${balance}`,
            trigger: `.loyalty-bar-balance:contains("${balance}")`,
        },
    ];
}

export function badgeIs(name) {
    return {
        content: `the badge says ${name}`,
        trigger: `.loyalty-bar-badge:contains("${name}")`,
    };
}

export function hasNoBadge() {
    return {
        content: "no badge is shown",
        trigger: ".loyalty-bar:has(.loyalty-bar-name):not(:has(.loyalty-bar-badge))",
    };
}

export function noticeIs(text) {
    return {
        content: `the notice says ${text}`,
        trigger: `.loyalty-bar-notice:contains("${text}")`,
    };
}

export function earns(points) {
    return {
        content: `the order earns ${points}`,
        trigger: `.loyalty-earning-points:contains("${points}")`,
    };
}

export function willFollow() {
    return { content: "points will follow", trigger: ".loyalty-earning-follows" };
}

export function openPad() {
    return { content: "open the pad", trigger: ".loyalty-bar-use", run: "click" };
}

export function padShows(value, feedback) {
    return [
        ...NumberPopup.isShown(value),
        { content: `the pad says ${feedback}`, trigger: `.modal-body:contains("${feedback}")` },
    ];
}

export function usePoints(points) {
    return [
        openPad(),
        ...NumberPopup.enterValue(points),
        ...NumberPopup.isShown(points),
        Dialog.confirm("Use"),
        { content: `${points} are used`, trigger: `.loyalty-bar-use:contains("${points}")` },
    ].flat();
}

export function receiptSays(...texts) {
    return texts.map((text) => ({
        content: `the receipt says ${text}`,
        trigger: `.pos-receipt .loyalty-receipt:contains("${text}")`,
    }));
}

export function messageIs(text) {
    return [Dialog.bodyIs(text), Dialog.confirm("Ok")];
}

/** Type a number into the search of customers and ask the server. */
export function searchMember(number) {
    return [
        {
            content: `type ${number}`,
            trigger: ".modal-dialog .input-group input",
            run: `edit ${number}`,
        },
        {
            content: "the list has taken it over",
            trigger: ".modal .partner-list:not(:has(.partner-line:nth-child(2)))",
        },
        {
            content: "ask the server",
            trigger: ".modal-dialog .input-group input",
            run: "press Enter",
        },
    ];
}

/** Enrol somebody, from the dialog that is open. */
export function enrol(phone, name = "") {
    return [
        { content: `type ${phone}`, trigger: "#loyalty_enrol_phone", run: `edit ${phone}` },
        name && { content: `type ${name}`, trigger: "#loyalty_enrol_name", run: `edit ${name}` },
        { content: "enrol", trigger: ".loyalty-enrol-confirm:enabled", run: "click" },
    ].filter(Boolean);
}

export function openEnrolment() {
    return { content: "enrol by phone", trigger: ".loyalty-bar-enrol", run: "click" };
}

export function enrolmentIsRefused(text) {
    return {
        content: `the dialog says ${text}`,
        trigger: `#loyalty_enrol_message:contains("${text}")`,
    };
}

// What the till has sent and printed last
let lastMessage = {};
let printed = "";

/** Listen to what the till sends to the display that the customer sees. */
export function watchDisplay() {
    return {
        content: "listen as the customer display does",
        trigger: "body",
        run: () => {
            const channel = new BroadcastChannel("UPDATE_CUSTOMER_DISPLAY");
            channel.onmessage = ({ data }) => {
                lastMessage = data;
            };
        },
    };
}

export function displayShows(expected) {
    return {
        content: `the customer display shows ${JSON.stringify(expected)}`,
        trigger: "body",
        run: () => waitUntil(() => isShown(expected), { timeout: 5000 }),
    };
}

function isShown(expected) {
    const [shown] = lastMessage.loyalty || [];
    return Object.entries(expected).every(([key, value]) => shown?.[key] === value);
}

export function displayShowsNobody() {
    return {
        content: "the customer display shows no member",
        trigger: "body",
        run: () => waitUntil(() => lastMessage.loyalty?.length === 0, { timeout: 5000 }),
    };
}

/** Print the selected order again, on paper that the tour can read. */
export function reprint() {
    return [
        {
            content: "keep what is printed",
            trigger: "body",
            run: () => {
                window.print = (receipt) => {
                    printed = receipt.textContent;
                };
            },
        },
        {
            content: "print the receipt again",
            trigger: '.ticket-screen .control-button:contains("Print Receipt")',
            run: "click",
        },
    ];
}

export function reprintSays(...texts) {
    return {
        content: `the printed receipt says ${texts}`,
        trigger: "body",
        run: () =>
            waitUntil(() => printed && texts.every((text) => printed.includes(text)), {
                timeout: 5000,
                message: `The receipt should say ${texts}`,
            }),
    };
}

/** Type as a scanner does: all at once, and Enter with it. */
export function typeAndEnter(code) {
    return {
        content: `scan ${code} into the search`,
        trigger: ".modal-dialog .input-group input",
        run: async ({ edit, press }) => {
            await edit(code);
            await press("Enter");
        },
    };
}

export function payerIs(name) {
    return {
        content: `the payment screen is for ${name}`,
        trigger: `.payment-screen .partner-button:contains("${name}")`,
    };
}
