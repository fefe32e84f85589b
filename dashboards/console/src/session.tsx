// Who is at this screen: signing in and out, and what they may. The daemon decides; here is only shown what it said.

import { computed, signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "./state";
import type { Right, Session } from "./wire";
import { language, say, sayCode, switchLanguage } from "./words";

/** Who we are; nothing until the daemon has said. */
export const session = signal<Session | null>(null);
/** The password is due again before an act. */
export const locked = signal(false);

export const mayLook = computed(() => session.value?.rights.includes("look") ?? false);
export const may = (right: Right): boolean => session.value?.rights.includes(right) ?? false;

/** Asks who we are. */
export async function refresh(): Promise<void> {
  const answer = await ask<Session>("/api/v1/session");
  if (!("failed" in answer)) session.value = answer.value;
}

/** Least time between two words that somebody is here. */
const HERE_EVERY = 60_000;
let hereAt = 0;

/** Somebody has touched the screen. */
export function touched(): void {
  if (session.value?.by !== "console" || locked.value || Date.now() - hereAt < HERE_EVERY) return;
  hereAt = Date.now();
  void ask<Session>("/api/v1/session/here", post({})).then((answer) => {
    if ("failed" in answer && answer.failed.status === 401) void lost();
  });
}

/** The daemon does not take us for who we were: for an act, or at all. */
export async function lost(): Promise<void> {
  await refresh();
  locked.value = mayLook.value;
}

const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

async function signOut(): Promise<void> {
  await ask("/api/v1/session/end", post({}));
  // Nothing of what was seen stays in the page.
  location.reload();
}

function Field(props: { label: string; value: string; set: (value: string) => void; secret?: boolean; complete: string; first?: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.first === true) input.current?.focus();
  }, []);
  return (
    <label>
      {props.label}
      <input
        ref={input}
        type={props.secret === true ? "password" : "text"}
        value={props.value}
        maxLength={256}
        required
        autocomplete={props.complete}
        onInput={(event) => props.set(event.currentTarget.value)}
      />
    </label>
  );
}

/** Where one signs in, or at a first start makes the first account. */
export function Door() {
  const first = session.value?.first === true;
  const over = locked.value;
  const again = over && session.value?.by === "console";
  const [code, setCode] = useState("");
  const [name, setName] = useState(again ? (session.value?.account?.name ?? "") : "");
  const [password, setPassword] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const [sending, setSending] = useState(false);

  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    setSending(true);
    setTrouble(null);
    const made = first ? await ask("/api/v1/people/first", post({ code, name, password })) : null;
    const answer = made !== null && "failed" in made ? made : await ask<Session>("/api/v1/session", post({ name, password }));
    setSending(false);
    setPassword("");
    if ("failed" in answer) {
      const { status, detail } = answer.failed;
      setTrouble(status === 401 ? say(first ? "door.wrong.code" : "door.wrong") : status === 429 ? say("door.later", { why: detail }) : say("do.failed", { why: detail }));
      return;
    }
    locked.value = false;
    session.value = answer.value as Session;
  };

  return (
    <main class={over ? "door over" : "door"} aria-label={say("door.title")}>
      <form onSubmit={(event) => void send(event)}>
        <h1>watchfire · 烽燧</h1>
        <p>{say(first ? "door.first" : again ? "door.idle" : "door.title")}</p>
        {first && <Field label={say("door.code")} value={code} set={setCode} complete="one-time-code" first />}
        <Field label={say("door.name")} value={name} set={setName} complete="username" first={!first && name === ""} />
        <Field label={say("door.password")} value={password} set={setPassword} complete={first ? "new-password" : "current-password"} secret first={name !== "" && !first} />
        <button type="submit" class="do ack due" disabled={sending}>
          {sending ? say("do.sending") : say(first ? "door.make" : "door.in")}
        </button>
        {over && (
          <button type="button" class="quiet-button" onClick={() => (locked.value = false)}>
            {say("door.look")}
          </button>
        )}
        {trouble !== null && (
          <p class="trouble" role="alert">
            {trouble}
          </p>
        )}
        <button type="button" class="language" lang={language.value === "en" ? "zh-CN" : "en"} onClick={switchLanguage}>
          {say("top.language")}
        </button>
      </form>
    </main>
  );
}

/** Who is signed in, and the way out. */
export function Who() {
  const who = session.value;
  if (who === null || who.account === null) return null;
  const { name, display, role } = who.account;
  return (
    <div class="who">
      <span title={name}>
        {who.by === "anonymous" ? say("who.anonymous") : display === "" ? name : display} <small>{sayCode("role", role)}</small>
      </span>
      {who.by === "console" && (
        <button type="button" class="language" onClick={() => void signOut()}>
          {say("door.out")}
        </button>
      )}
      {who.by === "anonymous" && (
        <button type="button" class="language" onClick={() => (locked.value = true)}>
          {say("door.in")}
        </button>
      )}
    </div>
  );
}
