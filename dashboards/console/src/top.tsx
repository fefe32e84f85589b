// The line above everything: how many of each grade, how the field is heard, how old what is shown is. And the banners
// that nobody may overlook.

import { age, clock, day, moment } from "./format";
import { GradeMark, SilentMark } from "./marks";
import { look } from "./sensors";
import { Who } from "./session";
import { age as sinceHeard, beat, counts, everHeard, live, now, shownAt, site, stale, tick, unjournaled } from "./state";
import { GRADES } from "./wire";
import type { Watch } from "./wire";
import { inLanguage, language, say, switchLanguage } from "./words";

function Counts() {
  return (
    <ul class="counts" aria-label={say("list.title")}>
      {GRADES.map((grade) => (
        <li key={grade} class={counts.value[grade] > 0 ? `count on grade-${grade}` : "count"}>
          <span class="count-number">{counts.value[grade]}</span>
          <GradeMark grade={grade} size={18} />
        </li>
      ))}
      <li class={(beat.value?.field.silent ?? 0) > 0 ? "count on silent" : "count"}>
        <button type="button" class="count-open" title={say("sensors.open")} onClick={() => look("no_data")}>
          <span class="count-number">{beat.value?.field.silent ?? "—"}</span>
          <SilentMark size={18} />
          <span>{say("top.silent")}</span>
        </button>
      </li>
      <li class={(beat.value?.places_unwatched ?? 0) > 0 ? "count on unwatched" : "count"}>
        <span class="count-number">{beat.value?.places_unwatched ?? "—"}</span>
        <SilentMark size={18} />
        <span>{say("top.unwatched")}</span>
      </li>
    </ul>
  );
}

function Field() {
  void tick.value;
  const said = beat.value;
  if (said === null) return null;
  const up = said.sources.filter((source) => source.connected).length;
  const down = said.sources.filter((source) => !source.connected).map((source) => source.name);
  const poor = said.stores.filter((store) => !store.up).map((store) => store.name);
  const heard = said.field.heard_at;
  return (
    <dl class="field">
      <div class={down.length > 0 ? "bad" : ""} title={down.length > 0 ? `${say("top.down")}: ${down.join(", ")}` : undefined}>
        <dt>{say("top.sources")}</dt>
        <dd>
          {up}/{said.sources.length}
        </dd>
      </div>
      {poor.length > 0 && (
        <div class="bad">
          <dt>{say("top.stores")}</dt>
          <dd>
            {poor.join(", ")} {say("top.down")}
          </dd>
        </div>
      )}
      <div>
        <dt>{say("top.data")}</dt>
        <dd>{heard === null ? say("top.never") : say("top.ago", { age: age(now() - heard) })}</dd>
      </div>
    </dl>
  );
}

/** Places where nobody would see it come, named. */
function Unwatched() {
  const said = beat.value;
  if (said === null || said.places_unwatched === 0) return null;
  const one = (watch: Watch): string =>
    watch.hazard === null ? watch.area_name : `${watch.area_name} (${inLanguage(watch.hazard_names, watch.hazard)})`;
  const places = said.unwatched.slice(0, 12).map(one).join(say("list.comma"));
  return (
    <p class="banner unwatched" role="alert">
      {say("banner.unwatched", { n: said.places_unwatched, places })}
    </p>
  );
}

export function Top() {
  void tick.value;
  return (
    <header class="top">
      <div class="place">
        <strong>{site.value?.name ?? "watchfire"}</strong>
      </div>
      <Counts />
      <Field />
      <div class="clock">
        <time class={stale.value ? "stopped" : ""}>{everHeard.value ? clock(now()) : "--:--:--"}</time>
        <small>{everHeard.value ? day(now()) : ""}</small>
      </div>
      <Who />
      <button type="button" class="language" title={say("top.language.title")} lang={language.value === "en" ? "zh-CN" : "en"} onClick={switchLanguage}>
        {say("top.language")}
      </button>
    </header>
  );
}

export function Banners() {
  void tick.value;
  const test = site.value?.test;
  return (
    <div class="banners">
      {test !== null && test !== undefined && (
        <p class="banner test" role="note">
          <b>{test.mark}</b> {say("banner.test")}
        </p>
      )}
      {live.value.some((warning) => warning.mode === "exercise") && <p class="banner test">{say("banner.exercise")}</p>}
      {stale.value && everHeard.value && (
        <p class="banner stale" role="alert">
          {say("banner.stale", { time: `${moment(shownAt())}:${clock(shownAt()).slice(6)}`, age: age(sinceHeard.value) })}
        </p>
      )}
      {!everHeard.value && (
        <p class={stale.value ? "banner stale" : "banner"} role="status">
          {say("banner.connecting")}
        </p>
      )}
      {beat.value?.desk_alive === false && (
        <p class="banner stale" role="alert">
          {say("banner.desk")}
        </p>
      )}
      <Unwatched />
      {unjournaled.value > 0 && <p class="banner note">{say("banner.unjournaled", { n: unjournaled.value })}</p>}
    </div>
  );
}
