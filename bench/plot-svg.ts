/**
 * A plot of lines over logarithmic axes as SVG, written by hand: two scales and a dozen kinds of marks need no library.
 * It stands on a card of its own that follows the reader's light or dark preference, because a page shows an image on
 * whatever ground it has. Lines are named where they end.
 */
import { logScale, logTicks, niceDomain, spreadLabels } from './plot-scale.ts';
import { type Point, short } from './report.ts';

export interface Line {
  label: string;
  /** Ours; what it is compared with; what is no measurement but a target or somebody's word. */
  tone: 'ours' | 'costly' | 'plain' | 'reference';
  points: readonly Point[];
}

export interface Plot {
  title: string;
  /** What the vertical axis shows. */
  subtitle: string;
  /** What the sizes count. */
  sizes: string;
  /** A value with its unit. */
  format: (value: number) => string;
  lines: readonly Line[];
  /** When and on what it was measured. */
  caption: string;
}

const WIDTH = 760;
const HEIGHT = 440;
const AREA = { left: 84, right: 560, top: 92, bottom: 350 };
const LABEL_GAP = 34;

const STYLE = `
.card{fill:#fff;stroke:#dce3ea}.ink{fill:#14213a}.muted{fill:#56657b}.grid{stroke:#dce3ea}
.ours{--tone:#2b4c7e}.costly{--tone:#a81c2a}.plain{--tone:#56657b}.reference{--tone:#8391a6}
.line{fill:none;stroke:var(--tone);stroke-width:1.75;stroke-linejoin:round}.ours .line{stroke-width:4}
.reference .line{stroke-dasharray:5 5;stroke-width:1.5}.dot{fill:var(--tone)}.lead{stroke:var(--tone);opacity:.5}
.name{fill:var(--tone);font-weight:600}.reference .name{fill:#56657b;font-weight:400}
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif;font-size:13px;
font-variant-numeric:tabular-nums}.title{font-size:18px;font-weight:650}.small{font-size:12px}
@media(prefers-color-scheme:dark){.card{fill:#131e33;stroke:#25344f}.ink{fill:#e7edf6}.muted{fill:#9aaac2}
.grid{stroke:#25344f}.reference .name{fill:#9aaac2}.ours{--tone:#8fb4ec}.costly{--tone:#ff9aa2}.plain{--tone:#9aaac2}.reference{--tone:#8391a6}}
`.replaceAll('\n', '');

/** The plot as the text of an SVG file; the same plot is always the same text. */
export function renderPlot({ title, subtitle, sizes, format, caption, ...plot }: Plot): string {
  // Ours is the widest and lies below, so that a line on the same way is seen on it.
  const lines = plot.lines.toSorted((a, b) => Number(b.tone === 'ours') - Number(a.tone === 'ours'));
  const points = lines.flatMap((line) => line.points);
  const allSizes = [...new Set(points.map(({ size }) => size))].sort((a, b) => a - b);
  const domain = niceDomain(points.map(({ value }) => value));
  const x = logScale([allSizes[0] ?? 1, allSizes.at(-1) ?? 1], [AREA.left + 16, AREA.right]);
  const y = logScale(domain, [AREA.bottom, AREA.top]);
  const ends = lines.map((line) => line.points.at(-1) as Point);
  const labels = spreadLabels(
    ends.map(({ value }) => y(value)),
    LABEL_GAP,
    [AREA.top, AREA.bottom],
  );

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escape(title)}</title>`,
    `<desc id="description">${escape(describe(lines, sizes, format))}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="card" x=".5" y=".5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="10"/>`,
    text(28, 38, 'ink title', title),
    text(28, 60, 'muted', subtitle),
    ...logTicks(domain).map((tick) => {
      const at = round(y(tick));
      return `<path class="grid" d="M${AREA.left} ${at}H${AREA.right}"/>${text(AREA.left - 10, at + 4, 'muted small', format(tick), 'end')}`;
    }),
    ...allSizes.map((size) => text(round(x(size)), AREA.bottom + 24, 'muted small', short(size), 'middle')),
    text(
      (AREA.left + AREA.right) / 2,
      AREA.bottom + 46,
      'muted small',
      `${sizes}, both axes logarithmic`,
      'middle',
    ),
    ...lines.map((line, index) => {
      const end = ends[index] as Point;
      const at = labels[index] as number;
      return [
        `<g class="${line.tone}">`,
        `<path class="line" d="${line.points.map((point, n) => `${n === 0 ? 'M' : 'L'}${round(x(point.size))} ${round(y(point.value))}`).join('')}"/>`,
        ...(line.tone === 'reference'
          ? []
          : line.points.map(
              (point) =>
                `<circle class="dot" cx="${round(x(point.size))}" cy="${round(y(point.value))}" r="3.5"/>`,
            )),
        `<path class="lead" d="M${round(x(end.size)) + 6} ${round(y(end.value))}L${AREA.right + 16} ${round(at)}"/>`,
        text(AREA.right + 22, round(at) - 1, 'name', line.label),
        text(AREA.right + 22, round(at) + 15, 'muted small', format(end.value)),
        '</g>',
      ].join('');
    }),
    text(28, HEIGHT - 20, 'muted small', caption),
    '</svg>',
    '',
  ].join('\n');
}

/** What the lines say, for those who do not see them. */
function describe(lines: readonly Line[], sizes: string, format: Plot['format']): string {
  return lines
    .map(({ label, points }) => {
      const [first, last] = [points[0] as Point, points.at(-1) as Point];
      return `${label}: ${format(first.value)} at ${short(first.size)} ${sizes}, ${format(last.value)} at ${short(last.size)}.`;
    })
    .join(' ');
}

function text(x: number, y: number, classes: string, content: string, anchor = 'start'): string {
  const anchored = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${x}" y="${y}" class="${classes}"${anchored}>${escape(content)}</text>`;
}

function round(position: number): number {
  return Math.round(position * 10) / 10;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
