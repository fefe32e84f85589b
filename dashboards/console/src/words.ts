// Words in the officer's language. Both catalogues have the same keys: the compiler and a test hold it.

import { signal } from "@preact/signals";
import en from "./en.json";
import zh from "./zh-CN.json";

export type Key = keyof typeof zh;
export type Language = "zh-CN" | "en";
const CATALOGUES: Record<Language, Record<Key, string>> = { "zh-CN": zh, en };
const KEPT_AS = "watchfire.language";

function first(): Language {
  const asked = new URLSearchParams(location.search).get("lang") ?? stored() ?? navigator.language;
  return asked.startsWith("zh") ? "zh-CN" : "en";
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}

export const language = signal<Language>(first());

export function switchLanguage(): void {
  language.value = language.value === "en" ? "zh-CN" : "en";
  try {
    localStorage.setItem(KEPT_AS, language.value);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

/** The words for `key`, with `{name}` filled in. */
export function say(key: Key, fill: Record<string, string | number> = {}): string {
  return CATALOGUES[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(fill[name] ?? whole));
}

/** The words for a code that came over the wire; one that this console does not know is shown as it came. */
export function sayCode(group: string, code: string): string {
  const words = CATALOGUES[language.value] as Record<string, string>;
  return words[`${group}.${code}`] ?? code;
}

/** The text of this language among texts by RFC 3066 tag, else the first. */
export function inLanguage(names: Record<string, string>, otherwise: string): string {
  const wanted = language.value.slice(0, 2);
  const tag = Object.keys(names).find((name) => name.startsWith(wanted)) ?? Object.keys(names)[0];
  return (tag === undefined ? undefined : names[tag]) ?? otherwise;
}
