import type { JSX } from 'preact'
import type { SpanKind } from '../../../src/otlp/read-trace.ts'

/** Line icons on a grid of 16, drawn for this page; they take the colour of the text beside them. */
export const PATHS = {
  sail: 'M8 1.5v9M8.6 2.4 13 9.5H8.6zM7.4 5 4 9.5h3.4zM2.5 11.5h11L12 14H4z',
  chevron: 'M6 4l4 4-4 4',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3.5 8.5l3 3 6-7',
  alert: 'M8 2.2 14.3 13H1.7zM8 6.5v3M8 11.2v.3',
  dash: 'M4 8h8',
  clock: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M8 5v3.2l2 1.3',
  sun: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6M8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1',
  moon: 'M13 9.6A5.5 5.5 0 0 1 6.4 3 5.5 5.5 0 1 0 13 9.6',
  auto: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11',
  link: 'M6.6 9.4a2.4 2.4 0 0 0 3.4 0l2.3-2.3a2.4 2.4 0 0 0-3.4-3.4l-.7.7M9.4 6.6a2.4 2.4 0 0 0-3.4 0L3.7 8.9a2.4 2.4 0 0 0 3.4 3.4l.7-.7',
  back: 'M9.5 3.5 5 8l4.5 4.5',
  internal: 'M8 5.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4',
  server: 'M2.5 8h6M6 5.2 8.8 8 6 10.8M11 3.5h2.5v9H11',
  client: 'M5 3.5H2.5v9H5M7 8h6.5M10.7 5.2 13.5 8l-2.8 2.8',
  producer: 'M2.5 4.5h7v7h-7zM2.5 5l3.5 3L9.5 5M11.5 8h3M13 6.5 14.5 8 13 9.5',
  consumer: 'M6.5 4.5h7v7h-7zM6.5 5l3.5 3 3.5-3M1.5 8h3M3 6.5 4.5 8 3 9.5',
  database: 'M3 4.2c0-1.1 2.2-2 5-2s5 .9 5 2-2.2 2-5 2-5-.9-5-2M3 4.2v7.6c0 1.1 2.2 2 5 2s5-.9 5-2V4.2M3 8c0 1.1 2.2 2 5 2s5-.9 5-2',
  topic: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h7',
  outside: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M2.5 8h11M8 2.5c3 3 3 8 0 11M8 2.5c-3 3-3 8 0 11',
  unspecified: 'M8 5.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4',
} as const satisfies Record<string, string> & Record<SpanKind, string>

export type IconName = keyof typeof PATHS

/** An icon beside words that say the same, or with a title of its own. */
export function Icon({ name, title }: { name: IconName; title?: string }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" {...(title === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': title })}>
      {title !== undefined && <title>{title}</title>}
      <path d={PATHS[name]} />
      {name === 'auto' && <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />}
    </svg>
  )
}
