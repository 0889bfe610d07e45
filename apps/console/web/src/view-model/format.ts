/**
 * A duration for people: three significant digits, in the largest unit that keeps it at one or more. With `stepUs`, as many decimals as
 * neighbours `stepUs` apart need to differ: the labels of an axis.
 */
export function formatDuration(us: number, stepUs?: number): string {
  const size = Math.abs(us)
  if (size >= 59_999_500) return minutes(us)
  const [unit, unitUs] = size >= 999_500 ? (['s', 1e6] as const) : size >= 999.5 ? (['ms', 1e3] as const) : (['µs', 1] as const)
  const value = us / unitUs
  const decimals =
    stepUs === undefined ? (unitUs === 1 ? 0 : decimalsFor(value)) : Math.max(0, Math.ceil(-Math.log10(stepUs / unitUs) - 1e-9))
  return `${value.toFixed(Math.min(6, decimals))} ${unit}`
}

function decimalsFor(value: number): number {
  const size = Math.abs(value)
  if (size === 0) return 0
  return size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2
}

function minutes(us: number): string {
  const seconds = Math.round(us / 1e6)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
  const wholeMinutes = Math.round(us / 6e7)
  if (wholeMinutes < 1_440) return `${Math.floor(wholeMinutes / 60)} h ${String(wholeMinutes % 60).padStart(2, '0')} min`
  const hours = Math.round(us / 3.6e9)
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** How long ago, in one unit. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

/** Time of day with milliseconds, in the viewer's zone. */
export function formatTime(epochMs: number): string {
  const date = new Date(epochMs)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** Time of day to the second, in the viewer's zone. */
export function formatClock(epochMs: number): string {
  return formatTime(epochMs).slice(0, 8)
}

export function formatDate(epochMs: number): string {
  const date = new Date(epochMs)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** Calls per second, always in that unit: rates stand below each other to be compared. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return '0 /s'
  if (perSecond < 0.01) return '< 0.01 /s'
  return `${perSecond.toFixed(perSecond < 1 ? 2 : perSecond < 10 ? 1 : 0)} /s`
}

/** The beginning and the end of an id: those of one minute begin alike. */
export function shortId(id: string): string {
  return id.length <= 16 ? id : `${id.slice(0, 8)}…${id.slice(-6)}`
}

/** A share in per cent; never "0 %" for something, never "100 %" for not all. */
export function formatShare(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %'
  const percent = (part / whole) * 100
  if (percent < 0.1) return '< 0.1 %'
  if (percent > 99.9 && part < whole) return '> 99.9 %'
  return `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`
}

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}
