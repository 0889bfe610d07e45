import { signal } from '@preact/signals'

export type Connection = 'connecting' | 'live' | 'lost'

/** Whether news arrive. */
export const connection = signal<Connection>('connecting')

type TracesListener = (traceIds: ReadonlySet<string>) => void
const traceListeners = new Set<TracesListener>()
const serviceListeners = new Set<() => void>()

let source: EventSource | undefined

/** Listens to the console while the page can be seen: a browser allows few connections to one server, and a hidden page needs no news. */
export function startLive(): void {
  document.addEventListener('visibilitychange', () => (document.hidden ? disconnect() : connect()))
  if (!document.hidden) connect()
}

/** Calls `listener` with the ids of traces that grew; with none after a time without news, when anything may have changed. @returns a function that stops it */
export function onTraces(listener: TracesListener): () => void {
  traceListeners.add(listener)
  return () => traceListeners.delete(listener)
}

/** Calls `listener` when a process changed its state. @returns a function that stops it */
export function onServices(listener: () => void): () => void {
  serviceListeners.add(listener)
  return () => serviceListeners.delete(listener)
}

function connect(): void {
  if (source !== undefined) return
  source = new EventSource('/api/live')
  source.addEventListener('open', () => {
    connection.value = 'live'
    for (const listener of traceListeners) listener(new Set())
    for (const listener of serviceListeners) listener()
  })
  source.addEventListener('error', () => (connection.value = 'lost'))
  source.addEventListener('traces', (event) => {
    const { traceIds } = JSON.parse(event.data as string) as { traceIds: string[] }
    const ids = new Set(traceIds)
    for (const listener of traceListeners) listener(ids)
  })
  source.addEventListener('services', () => {
    for (const listener of serviceListeners) listener()
  })
}

function disconnect(): void {
  source?.close()
  source = undefined
  connection.value = 'connecting'
}
