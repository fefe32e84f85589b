// Times at the site's offset, ages, and numbers with as many places as they were given.

import { site } from "./state";
import { say } from "./words";

const two = (n: number): string => String(n).padStart(2, "0");

function local(ms: number): Date {
  return new Date(ms + (site.value?.offset_seconds ?? 0) * 1_000);
}

/** `03:12:07`. */
export function clock(ms: number): string {
  const at = local(ms);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

/** `08-01 03:12`. */
export function moment(ms: number): string {
  const at = local(ms);
  return `${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

/** `2026-08-01`. */
export function day(ms: number): string {
  return local(ms).toISOString().slice(0, 10);
}

/** A length of time, in the two largest units. */
export function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1_000));
  if (s < 60) return say("age.s", { n: s });
  const m = Math.floor(s / 60);
  if (m < 60) return say("age.m", { n: m });
  const h = Math.floor(m / 60);
  if (h < 48) return say("age.h", { n: h, m: m % 60 });
  return say("age.d", { n: Math.floor(h / 24), h: h % 24 });
}

/** A short time with its fraction: `0.8 s`. */
export function took(ms: number): string {
  return ms < 10_000 ? `${(Math.max(0, ms) / 1_000).toFixed(1)} s` : age(ms);
}

/** A value as it was measured, without the noise of its binary form. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return "—";
  const size = Math.abs(value);
  const places = size >= 1_000 ? 1 : size >= 1 ? 2 : 3;
  const text = value.toFixed(places);
  // Two places are usual for a stage; more than that only where there is something in them.
  return places > 2 ? text.replace(/0$/, "") : text;
}

/** A value with its unit. */
export function measured(value: number | null | undefined, unit: string): string {
  return unit === "" || unit === "1" ? number(value) : `${number(value)} ${unit}`;
}
