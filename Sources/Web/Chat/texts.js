// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// Every text of the page, by language; the elements name theirs in `data-text`.

const texts = {
  en: {
    login: "Login",
    password: "Password",
    logIn: "Log in",
    register: "Create an account",
    invite: "Code of the invitation (if you have one)",
    haveAccount: "I have an account",
    noAccount: "I have no account yet",
    logOut: "Log out",
    conversations: "Conversations",
    noConversations: "No conversations yet. Write to a person whose login you know.",
    newChat: "New chat",
    newGroup: "New group",
    withWhom: "Login",
    withMany: "Logins, with a comma between them",
    title: "Title",
    create: "Create",
    cancel: "Cancel",
    back: "Back",
    choose: "Choose a conversation.",
    message: "Message",
    send: "Send",
    picture: "Attach a picture",
    remove: "Remove the picture",
    newMessages: "New messages",
    readOnly: "Only the owner of this channel writes here.",
    edited: "edited",
    attachment: "Attachment: {0}",
    video: "video",
    audio: "audio",
    document: "document",
    pictureFile: "picture",
    failed: "Not sent.",
    offline: "No connection. Trying again …",
    sessionEnded: "You have been logged out. Please log in again.",
    wrongPassword: "Login or password is wrong.",
    noSuchUser: "There is no user with the login “{0}”.",
    noAnswer: "The server does not answer. Please try again soon.",
    tooLarge: "The picture is too large.",
    noPicture: "This is not a picture of a kind that is shown here (PNG, JPEG, GIF, WebP).",
    unread: "{0} unread",
    chat: "Chat",
    group: "Group",
    channel: "Channel",
    online: "online",
    today: "Today",
    yesterday: "Yesterday",
    language: "Deutsch",
  },
  de: {
    login: "Anmeldename",
    password: "Passwort",
    logIn: "Anmelden",
    register: "Konto anlegen",
    invite: "Einladungscode (falls vorhanden)",
    haveAccount: "Ich habe ein Konto",
    noAccount: "Ich habe noch kein Konto",
    logOut: "Abmelden",
    conversations: "Unterhaltungen",
    noConversations: "Noch keine Unterhaltungen. Schreib jemandem, dessen Anmeldenamen du kennst.",
    newChat: "Neuer Chat",
    newGroup: "Neue Gruppe",
    withWhom: "Anmeldename",
    withMany: "Anmeldenamen, durch Kommas getrennt",
    title: "Titel",
    create: "Anlegen",
    cancel: "Abbrechen",
    back: "Zurück",
    choose: "Wähle eine Unterhaltung.",
    message: "Nachricht",
    send: "Senden",
    picture: "Bild anhängen",
    remove: "Bild entfernen",
    newMessages: "Neue Nachrichten",
    readOnly: "In diesem Kanal schreibt nur sein Besitzer.",
    edited: "bearbeitet",
    attachment: "Anhang: {0}",
    video: "Video",
    audio: "Ton",
    document: "Dokument",
    pictureFile: "Bild",
    failed: "Nicht gesendet.",
    offline: "Keine Verbindung. Neuer Versuch …",
    sessionEnded: "Du wurdest abgemeldet. Bitte melde dich neu an.",
    wrongPassword: "Anmeldename oder Passwort ist falsch.",
    noSuchUser: "Es gibt niemanden mit dem Anmeldenamen „{0}“.",
    noAnswer: "Der Server antwortet nicht. Bitte versuche es gleich noch einmal.",
    tooLarge: "Das Bild ist zu groß.",
    noPicture: "Das ist kein Bild, das hier gezeigt werden kann (PNG, JPEG, GIF, WebP).",
    unread: "{0} ungelesen",
    chat: "Chat",
    group: "Gruppe",
    channel: "Kanal",
    online: "online",
    today: "Heute",
    yesterday: "Gestern",
    language: "English",
  },
};

const kept = localStorage.getItem("parley.language");
export let language = texts[kept] ? kept : (navigator.language || "en").startsWith("de") ? "de" : "en";

/** The text of that name, with `{0}` replaced. */
export function text(name, ...values) {
  return values.reduce((result, value, index) => result.replace(`{${index}}`, () => value), texts[language][name]);
}

/** Puts the texts into the elements of the page. */
export function translate() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) {
    const label = text(element.dataset.label);
    element.setAttribute("aria-label", label);
    element.title = label;
    if ("placeholder" in element) element.placeholder = label;
  }
}

export function switchLanguage() {
  language = language === "en" ? "de" : "en";
  localStorage.setItem("parley.language", language);
  translate();
}
