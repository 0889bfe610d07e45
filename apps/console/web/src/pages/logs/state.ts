import { signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { LogsPage } from '../../../../src/http/answers.ts'
import type { LogFilter } from './route.ts'
import { fetchLogs } from '../../state/api.ts'
import { Refreshed } from '../../state/refreshed.ts'

const REFRESH_MS = 2_000

/** The log records that match, kept fresh while `live` and no older page was asked for: then rows must not move under the reader. */
export class LogList extends Refreshed<LogsPage> {
  readonly live = signal(true)
  readonly hasOlderPages = signal(false)
  readonly #filter: LogFilter

  constructor(filter: LogFilter) {
    super((ending) => fetchLogs(filter, { signal: ending }), REFRESH_MS)
    this.#filter = filter
  }

  override async refresh(options: { readonly isAsked?: boolean } = {}): Promise<void> {
    const isShown = this.state.peek().kind === 'loaded'
    if (isShown && options.isAsked !== true && (!this.live.peek() || this.hasOlderPages.peek())) return
    if (options.isAsked === true) this.hasOlderPages.value = false
    await super.refresh()
  }

  async loadOlder(): Promise<void> {
    const current = this.state.peek()
    if (current.kind !== 'loaded' || current.nextBefore === undefined) return
    this.hasOlderPages.value = true
    try {
      const older = await fetchLogs(this.#filter, { before: current.nextBefore })
      this.state.value = { kind: 'loaded', ...older, logs: [...current.logs, ...older.logs] }
    } catch (error) {
      this.stale.value = error instanceof Error ? error.message : String(error)
    }
  }
}

export function useLogs(filter: LogFilter): LogList {
  const { text, service, level, traceId, spanId, correlationId } = filter
  const list = useMemo(
    () => new LogList({ text, service, level, traceId, spanId, correlationId }),
    [text, service, level, traceId, spanId, correlationId],
  )
  useEffect(() => list.start(), [list])
  return list
}
