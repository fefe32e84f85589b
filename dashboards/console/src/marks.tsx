// A grade's mark: shape, numeral, word and colour together, so that no one of them carries it alone.

import type { Grade } from "./wire";
import { say } from "./words";

export const NUMERAL: Record<Grade, string> = { red: "Ⅰ", orange: "Ⅱ", yellow: "Ⅲ", blue: "Ⅳ" };
export const COLOUR: Record<Grade, string> = { red: "#e0182d", orange: "#f08a00", yellow: "#ffe65c", blue: "#4c9bff" };

const SHAPE: Record<Grade, string> = {
  red: "M3 3h18v18H3z",
  orange: "M12 1.5 22.5 12 12 22.5 1.5 12z",
  yellow: "M12 2.5 22.5 21.5h-21z",
  blue: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z",
};

/** The shape alone; no grade is a dash in grey. */
export function Mark({ grade, size = 20, hollow = false }: { grade: Grade | null; size?: number; hollow?: boolean }) {
  if (grade === null) {
    return (
      <svg class="mark" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
        <path d="M5 12h14" stroke="#6b7682" stroke-width="3" stroke-linecap="round" />
      </svg>
    );
  }
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path
        d={SHAPE[grade]}
        fill={hollow ? "none" : COLOUR[grade]}
        stroke={hollow ? COLOUR[grade] : grade === "red" ? "#ffd9dc" : "#0b0e11"}
        stroke-width={grade === "red" && !hollow ? 2 : 1.6}
        stroke-linejoin="round"
      />
      {grade === "red" && !hollow && <path d="M9 7.5h6M12 7.5v9M9 16.5h6" stroke="#fff" stroke-width="2.2" fill="none" />}
    </svg>
  );
}

/** Shape, numeral and word. */
export function GradeMark({ grade, size = 20 }: { grade: Grade | null; size?: number }) {
  return (
    <span class={`grade grade-${grade ?? "none"}`}>
      <Mark grade={grade} size={size} />
      {grade !== null && (
        <b>
          {NUMERAL[grade]} {say(`grade.${grade}`)}
        </b>
      )}
    </span>
  );
}

/** No data: a hatched ring. */
export function SilentMark({ size = 20 }: { size?: number }) {
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="9" fill="none" stroke="#9aa5b1" stroke-width="2" stroke-dasharray="3 2" />
      <path d="M5.5 18.5 18.5 5.5" stroke="#9aa5b1" stroke-width="2" />
    </svg>
  );
}
