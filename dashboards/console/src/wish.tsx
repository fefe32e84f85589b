// What a person wishes done: it says what it means, has a name and a reason, and is sent under one key however often it is
// tried.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { lost, session } from "./session";
import { ask, stale } from "./state";
import type { Problem } from "./wire";
import { say } from "./words";

const NAME_KEPT_AS = "watchfire.who";

function keptName(): string {
  try {
    return localStorage.getItem(NAME_KEPT_AS) ?? "";
  } catch {
    return "";
  }
}

function keepName(who: string): void {
  try {
    localStorage.setItem(NAME_KEPT_AS, who);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

function newKey(): string {
  // `randomUUID` is there in secure contexts only; a console reached by an address on the county's network is none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export interface Wish<T> {
  /** The look of its button. */
  look: "ack" | "release" | "cancel" | "correct" | "report";
  /** What it means, above all fields. */
  meaning: ComponentChildren;
  /** The word on its button. */
  word: string;
  path: string;
  /** What is sent besides who and why; it may say instead what is missing. */
  body: () => { body: Record<string, unknown> } | { missing: string };
  /** More fields, before the reason. */
  children?: ComponentChildren;
  /** It was heard and refused: another try is another wish. In other words than the daemon's, if there are any. */
  refused?: (failed: Problem) => string | undefined;
  done: (answer: T, who: string) => void;
  back: () => void;
}

export function WishForm<T>({ look, meaning, word, path, body, children, refused, done, back }: Wish<T>) {
  // Whoever signed in acts; only where acts are done for others is their name asked.
  const named = session.value?.acts_for === true;
  const self = session.value?.account?.name ?? "";
  const [who, setWho] = useState(() => (named ? keptName() : self));
  const [why, setWhy] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const [sending, setSending] = useState(false);
  const key = useRef(newKey());
  const form = useRef<HTMLFormElement>(null);
  // The first field that is still empty.
  useEffect(() => {
    const fields = form.current?.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select") ?? [];
    [...fields].find((field) => field.value === "")?.focus();
  }, []);

  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const said = body();
    if (who.trim() === "" || why.trim() === "") {
      setTrouble(say("do.need"));
      return;
    }
    if ("missing" in said) {
      setTrouble(said.missing);
      return;
    }
    if (stale.value) {
      setTrouble(say("do.offline"));
      return;
    }
    setSending(true);
    if (named) keepName(who.trim());
    const answer = await ask<T>(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key.current },
      body: JSON.stringify({ ...(named ? { who: who.trim() } : {}), why: why.trim(), ...said.body }),
    });
    setSending(false);
    if (!("failed" in answer)) {
      done(answer.value, who.trim());
      return;
    }
    const { failed } = answer;
    if (failed.status === 401) void lost();
    // Heard and not done: another try is another wish.
    if (failed.status >= 400 && failed.status < 500) key.current = newKey();
    setTrouble(refused?.(failed) ?? say("do.failed", { why: failed.detail }));
  };

  return (
    <form ref={form} class={`act-form ${look}`} onSubmit={(event) => void send(event)}>
      <p class="meaning">{meaning}</p>
      {named && (
        <label>
          {say("do.who")}
          <input name="who" value={who} maxLength={100} autocomplete="name" required onInput={(event) => setWho(event.currentTarget.value)} />
        </label>
      )}
      {children}
      <label class="grow">
        {say("do.why")}
        <input name="why" value={why} maxLength={1000} autocomplete="off" required onInput={(event) => setWhy(event.currentTarget.value)} />
      </label>
      <button type="submit" class={`do ${look}`} disabled={sending || stale.value}>
        {sending ? say("do.sending") : say("do.send", { act: word })}
      </button>
      <button type="button" class="quiet-button" onClick={back}>
        {say("do.back")}
      </button>
      {trouble !== null && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
    </form>
  );
}
