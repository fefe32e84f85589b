// One point over time, under its thresholds: what was stored, then what comes in. Where nothing came, it says so.

import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { number } from "./format";
import { COLOUR, NUMERAL } from "./marks";
import { ask, lastWord, lastWords, now, site, tick } from "./state";
import { GRADES } from "./wire";
import type { Alarm, Bands, Readings } from "./wire";
import { language, say } from "./words";

const HOUR = 3_600_000;
const RANGES: [string, number][] = [["6 h", 6 * HOUR], ["24 h", 24 * HOUR], ["7 d", 168 * HOUR], ["30 d", 720 * HOUR]];
/** Stored readings are asked for again this often; between, what the stream brings is added. */
const REFRESH = 30_000;
const HEIGHT = 260;
/** Most samples kept between two refreshes. */
const SAMPLES_MAX = 20_000;

const INK = "#d7dce2";
const FAINT = "#242b33";
const AXIS = "#8a949f";

type Columns = [number[], (number | null)[]];

/** Thresholds near enough to what was measured to be worth their room, and always the alarm's own. */
function visible(bands: Bands | null, own: number | null, values: (number | null)[]): [number, number] {
  const known = values.filter((value): value is number => value !== null);
  let low = Math.min(...known, ...(own === null ? [] : [own]));
  let high = Math.max(...known, ...(own === null ? [] : [own]));
  if (!Number.isFinite(low)) [low, high] = [0, 1];
  const span = Math.max(high - low, Math.abs(high) * 0.01, 1e-6);
  for (const grade of GRADES) {
    const at = bands?.[grade];
    if (at !== null && at !== undefined && at > low - span * 0.6 && at < high + span * 0.6) {
      low = Math.min(low, at);
      high = Math.max(high, at);
    }
  }
  const pad = Math.max(high - low, span) * 0.08;
  return [low - pad, high + pad];
}

function drawBands(plot: uPlot, bands: Bands | null): void {
  if (bands === null) return;
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const ratio = devicePixelRatio;
  const known = GRADES.flatMap((grade) => (bands[grade] === null ? [] : [{ grade, at: bands[grade] }]));
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.font = `600 ${11 * ratio}px system-ui, "Noto Sans CJK SC", sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  // From the highest down: each band ends where the one above begins. Where lower is worse, the other way round.
  const falling = known.length > 1 && (known[0]?.at ?? 0) < (known[known.length - 1]?.at ?? 0);
  let edge = falling ? top + height : top;
  for (const { grade, at } of known) {
    const y = plot.valToPos(at, "y", true);
    ctx.globalAlpha = 0.1;
    ctx.fillStyle = COLOUR[grade];
    ctx.fillRect(left, Math.min(edge, y), width, Math.abs(y - edge));
    ctx.globalAlpha = 1;
    ctx.strokeStyle = COLOUR[grade];
    ctx.lineWidth = 1.4 * ratio;
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.fillStyle = grade === "red" ? "#ff6b78" : COLOUR[grade];
    ctx.fillText(`${NUMERAL[grade]} ${say(`grade.${grade}`)} ${number(at)}`, left + 6 * ratio, y - 4 * ratio);
    edge = y;
  }
  ctx.restore();
}

/** Hatches the time since the last sample, where that is longer than the eye can miss. */
function drawSilence(plot: uPlot, until: number): void {
  const times = plot.data[0];
  const last = times[times.length - 1];
  if (last === undefined) return;
  const { ctx } = plot;
  const { top, height, left, width } = plot.bbox;
  const ratio = devicePixelRatio;
  const from = Math.max(plot.valToPos(last, "x", true), left);
  const to = Math.min(plot.valToPos(until / 1_000, "x", true), left + width);
  if (to - from < 12 * ratio) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(from, top, to - from, height);
  ctx.clip();
  ctx.strokeStyle = "#9aa5b1";
  ctx.globalAlpha = 0.35;
  ctx.lineWidth = ratio;
  for (let x = from - height; x < to; x += 9 * ratio) {
    ctx.beginPath();
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
  ctx.fillStyle = INK;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  ctx.font = `600 ${12 * ratio}px system-ui, "Noto Sans CJK SC", sans-serif`;
  if (to - from > 60 * ratio) ctx.fillText(`⊘ ${say("chart.held")}`, from + 8 * ratio, top + 18 * ratio);
  ctx.restore();
}

export function Chart({ alarm }: { alarm: Alarm }) {
  const holder = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState(24 * HOUR);
  const [words, setWords] = useState<string | null>(null);
  const point = alarm.point;

  useEffect(() => {
    const at = holder.current;
    if (at === null || point === null) return;
    let columns: Columns = [[], []];
    let stopped = false;
    const offset = site.peek()?.offset_seconds ?? 0;
    const own = alarm.bands === null ? null : alarm.threshold;
    const plot = new uPlot(
      {
        width: at.clientWidth || 600,
        height: HEIGHT,
        legend: { show: false },
        cursor: { points: { size: 7 }, drag: { x: false, y: false } },
        tzDate: (seconds) => uPlot.tzDate(new Date((seconds + offset) * 1_000), "Etc/UTC"),
        scales: {
          x: { range: () => [(now() - range) / 1_000, now() / 1_000] },
          y: { range: () => visible(alarm.bands, own, columns[1]) },
        },
        axes: [
          { stroke: AXIS, grid: { stroke: FAINT, width: 1 }, ticks: { stroke: FAINT }, values: hours },
          { stroke: AXIS, grid: { stroke: FAINT, width: 1 }, ticks: { stroke: FAINT }, size: 64, values: (_, splits) => splits.map(number) },
        ],
        series: [{}, { stroke: INK, width: 1.8, spanGaps: false, points: { show: (_, __, from, to) => to - from < 120, size: 4, fill: INK } }],
        hooks: {
          drawAxes: [(self) => drawBands(self, alarm.bands)],
          draw: [(self) => drawSilence(self, now())],
          setCursor: [(self) => tell(self)],
        },
      },
      columns,
      at,
    );
    const reading = document.createElement("p");
    reading.className = "reading";
    at.append(reading);
    function tell(self: uPlot): void {
      const ix = self.cursor.idx;
      const time = ix == null ? undefined : columns[0][ix];
      const value = ix == null ? undefined : columns[1][ix];
      if (time === undefined || value === undefined) {
        reading.textContent = "";
        return;
      }
      const when = new Date((time + offset) * 1_000).toISOString();
      reading.textContent = `${when.slice(5, 10)} ${when.slice(11, 19)}  ${number(value)} ${point?.unit ?? ""}`;
    }
    const load = async (): Promise<void> => {
      const buckets = Math.max(200, Math.round(at.clientWidth / 2));
      const path = `/api/v1/points/${encodeURIComponent(point.station)}/${encodeURIComponent(point.point)}/readings`;
      const answer = await ask<Readings>(`${path}?from=${Math.round(now() - range)}&buckets=${buckets}`);
      if (stopped) return;
      if ("failed" in answer) {
        setWords(say("chart.failed", { why: answer.failed.detail }));
        return;
      }
      columns = [answer.value.samples.map(([t]) => t / 1_000), answer.value.samples.map(([, value]) => value)];
      add();
      setWords(columns[0].length === 0 ? say("chart.none") : null);
    };
    /** Adds the stream's last word, if it is newer than all there is, and draws. */
    function add(): void {
      const last = point === null ? undefined : lastWord(point.station, point.point);
      const newest = columns[0][columns[0].length - 1] ?? 0;
      if (last !== undefined && last.at / 1_000 > newest && columns[0].length < SAMPLES_MAX) {
        columns[0].push(last.at / 1_000);
        columns[1].push(last.value);
      }
      plot.setData(columns);
    }
    void load();
    const again = setInterval(() => void load(), REFRESH);
    const unfollow = effect(() => {
      void lastWords.value;
      add();
    });
    const unslide = effect(() => {
      void language.value;
      if (tick.value % 5 === 0) plot.redraw(false, true);
    });
    const fit = new ResizeObserver(() => plot.setSize({ width: at.clientWidth, height: HEIGHT }));
    fit.observe(at);
    return () => {
      stopped = true;
      clearInterval(again);
      unfollow();
      unslide();
      fit.disconnect();
      plot.destroy();
      reading.remove();
    };
  }, [point?.station, point?.point, range, alarm.threshold]);

  if (point === null) return null;
  return (
    <section class="panel chart">
      <h2>
        {say("section.chart")} · {point.station_name} / {point.point} {point.unit !== "" && `(${point.unit})`}
        <span class="ranges" role="group" aria-label={say("chart.range")}>
          {RANGES.map(([name, ms]) => (
            <button type="button" key={name} aria-pressed={range === ms} onClick={() => setRange(ms)}>
              {name}
            </button>
          ))}
        </span>
      </h2>
      <div class="plot" ref={holder} />
      {words !== null && <p class="muted">{words}</p>}
    </section>
  );
}

/** Ticks as hours of the site's day, and as days where a day begins. */
function hours(self: uPlot, splits: number[]): string[] {
  const offset = site.peek()?.offset_seconds ?? 0;
  const wide = (self.scales["x"]?.max ?? 0) - (self.scales["x"]?.min ?? 0) > 2 * 86_400;
  return splits.map((seconds) => {
    const at = new Date((seconds + offset) * 1_000).toISOString();
    return wide || at.slice(11, 16) === "00:00" ? at.slice(5, 10) : at.slice(11, 16);
  });
}
