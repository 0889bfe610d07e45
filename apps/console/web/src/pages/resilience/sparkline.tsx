import type { JSX } from 'preact'

const WIDTH = 96
const HEIGHT = 20

/** The last values as a line, the newest at the right. The number beside it says the newest; a title says the highest. */
export function Sparkline({ values, samplesMax, title }: { values: readonly number[]; samplesMax: number; title: string }): JSX.Element {
  const highest = Math.max(1, ...values)
  const step = WIDTH / (samplesMax - 1)
  const x = (index: number) => WIDTH - (values.length - 1 - index) * step
  const y = (value: number) => HEIGHT - 1 - (value / highest) * (HEIGHT - 2)
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title}>
      <title>{title}</title>
      <polyline points={values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' ')} />
    </svg>
  )
}
