// What the officer can do to a warning: acknowledge, release, cancel, correct.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { GradeMark } from "./marks";
import { may } from "./session";
import { detail, selected, stale } from "./state";
import { WishForm } from "./wish";
import type { Detail, Right, Summary } from "./wire";
import { say, sayCode } from "./words";

export type Act = "ack" | "release" | "cancel" | "correct";

const RIGHTS: Record<Act, Right> = { ack: "acknowledge", release: "release", cancel: "cancel", correct: "cancel" };

/** Whether whoever is signed in may do it to the warning looked at; their scope counts once its story is here. */
export function mayHere(act: Act, whole: Detail | null): boolean {
  return whole !== null && whole.id === selected.value ? whole.may.includes(RIGHTS[act]) : may(RIGHTS[act]);
}

/** The act whose form is open. */
export const opened = signal<Act | null>(null);

function meaning(act: Act, warning: Summary): string {
  if (act === "release") {
    const waiting = warning.waiting;
    return waiting === null ? say("do.release.nothing") : say("do.release.means", { class: sayCode("class", waiting.class) });
  }
  if (act === "correct") {
    const { correction } = warning;
    if (correction === undefined) return say("do.correct.nothing");
    return say("do.correct.means", { class: sayCode("class", correction.class), because: correction.because });
  }
  return act === "ack" ? say("do.ack.means", { n: warning.version }) : say("do.cancel.means");
}

function Form({ act, warning, done }: { act: Act; warning: Summary; done: (words: string) => void }) {
  const shown = (): number => (act === "release" && warning.waiting !== null ? warning.waiting.version : warning.version);
  // The version that was looked at when the form was opened: what comes later has not been seen.
  const seen = useRef(shown());
  return (
    <WishForm<Summary | null>
      look={act}
      meaning={
        <>
          {act === "release" && warning.waiting !== null && <GradeMark grade={warning.waiting.grade} size={18} />}
          {act === "correct" && warning.correction !== undefined && <GradeMark grade={warning.correction.grade} size={18} />} {meaning(act, warning)}
        </>
      }
      word={say(`do.${act}`)}
      path={`/api/v1/warnings/${encodeURIComponent(warning.id)}/${act}`}
      body={() => ({ body: { version: seen.current } })}
      refused={(failed) => {
        if (failed.refusal === undefined) return undefined;
        // Another try is at what is seen now.
        seen.current = shown();
        return failed.refusal.refused === "stale" ? say("do.refused.stale") : undefined;
      }}
      done={(_, who) => done(say(`do.done.${act}`, { who }))}
      back={() => (opened.value = null)}
    />
  );
}

export function Acts({ warning }: { warning: Summary }) {
  const [words, setWords] = useState<string | null>(null);
  useEffect(() => {
    opened.value = null;
    setWords(null);
  }, [selected.value]);
  const act = opened.value;
  const open = (which: Act): void => {
    setWords(null);
    opened.value = act === which ? null : which;
  };
  return (
    <section class="acts">
      <div class="act-buttons">
        {mayHere("ack", detail.value) && (
          <button type="button" class={`do ack ${warning.unacked ? "due" : ""}`} aria-expanded={act === "ack"} disabled={stale.value} onClick={() => open("ack")}>
            {say("do.ack")} <kbd>A</kbd>
          </button>
        )}
        {mayHere("release", detail.value) && (
          <button
            type="button"
            class={`do release ${warning.waiting !== null ? "due" : ""}`}
            aria-expanded={act === "release"}
            disabled={stale.value || warning.waiting === null}
            title={warning.waiting === null ? say("do.release.nothing") : undefined}
            onClick={() => open("release")}
          >
            {say("do.release")} <kbd>R</kbd>
          </button>
        )}
        {warning.correction !== undefined && mayHere("correct", detail.value) && (
          <button type="button" class="do release due" aria-expanded={act === "correct"} disabled={stale.value} onClick={() => open("correct")}>
            {say("do.correct")}
          </button>
        )}
        {words !== null && (
          <span class="done" role="status">
            ✓ {words}
          </span>
        )}
        {mayHere("cancel", detail.value) && (
          <button type="button" class="do cancel" aria-expanded={act === "cancel"} disabled={stale.value} onClick={() => open("cancel")}>
            {say("do.cancel")}
          </button>
        )}
      </div>
      {act !== null && (
        <Form
          key={act}
          act={act}
          warning={warning}
          done={(said) => {
            opened.value = null;
            setWords(said);
          }}
        />
      )}
    </section>
  );
}
