import { signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { EdgeState, ListedTrace, MapState } from '../../../../src/http/answers.ts'
import type { ServiceResilience } from '../../../../src/system/resilience.ts'
import { NO_FILTER } from '../traces/route.ts'
import type { MapView } from './route.ts'
import { fetchEdge, fetchMap, fetchResilience, fetchTraces } from '../../state/api.ts'
import { Refreshed } from '../../state/refreshed.ts'

const REFRESH_MS = 5_000

/** Who calls whom, kept fresh. */
export class ServiceMapStore extends Refreshed<MapState> {
  /** What guards the calls; asked for apart, so that a service that does not answer does not hold up the map. */
  readonly guards = signal<readonly ServiceResilience[]>([])

  constructor(minutes: number) {
    super((ending) => {
      void fetchResilience(ending).then(
        ({ services }) => (this.guards.value = services),
        () => undefined,
      )
      return fetchMap(minutes, ending)
    }, REFRESH_MS)
  }
}

export function useServiceMap(minutes: number): ServiceMapStore {
  const store = useMemo(() => new ServiceMapStore(minutes), [minutes])
  useEffect(() => store.start(), [store])
  return store
}

/** One pair's latencies and its newest traces. */
export interface EdgeDetails extends EdgeState {
  readonly traces: readonly ListedTrace[]
}

const TRACES_SHOWN = 8

export function useEdge(edge: NonNullable<MapView['edge']>, minutes: number): Refreshed<EdgeDetails> {
  const { caller, callee } = edge
  const store = useMemo(
    () =>
      new Refreshed(async (ending) => {
        const filter = { ...NO_FILTER, showsBackground: true, call: { caller, callee } }
        const [state, { traces }] = await Promise.all([
          fetchEdge({ caller, callee }, minutes, ending),
          fetchTraces(filter, { signal: ending }),
        ])
        return { ...state, traces: traces.slice(0, TRACES_SHOWN) }
      }, REFRESH_MS),
    [caller, callee, minutes],
  )
  useEffect(() => store.start(), [store])
  return store
}
