import * as Dialog from "@point_of_sale/../tests/generic_helpers/dialog_util";
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
