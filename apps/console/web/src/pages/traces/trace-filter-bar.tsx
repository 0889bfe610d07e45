import type { JSX } from 'preact'
import { navigate } from '../../state/location.ts'
import type { TraceList } from './state.ts'
import type { Place } from '../../../../src/map/call-matcher.ts'
import { placeName } from '../../view-model/place.ts'
import type { TraceFilter } from './route.ts'
import { Icon } from '../../components/icon.tsx'
import { PauseButton, SearchForm, ServiceSelect } from '../../components/search-form.tsx'

const DURATIONS = [0, 10, 50, 100, 500, 1_000, 5_000] as const
const OUTCOMES = [
  { value: '', text: 'All', title: 'However they ended' },
  { value: 'ok', text: 'Succeeded', title: 'Answered with what was asked for' },
  { value: 'rejected', text: 'Rejected', title: 'Answered with 4xx, or by an event such as order.rejected: nothing broke' },
  { value: 'failed', text: 'Failed', title: 'Answered with 5xx, or not at all' },
] as const

/** What is looked for. It stands in the address, so that a search can be sent to somebody. */
export function TraceFilterBar({ filter, list }: { filter: TraceFilter; list: TraceList }): JSX.Element {
  const change = (part: Partial<TraceFilter>): void => navigate({ page: 'traces', filter: { ...filter, ...part } }, { replace: true })
  return (
    <SearchForm
      label="Traces"
      id="trace-search"
      hint="Search by name, service, correlation id or trace id"
      placeholder="Name, service, correlation id or trace id"
      text={filter.text}
      onSearch={(text) => change({ text })}
    >
      {filter.call !== undefined && (
        <button
          type="button"
          class="button call-filter"
          title="Show the traces of other calls too"
          onClick={() => change({ call: undefined })}
        >
          {placeName(filter.call.caller as Place)} → {placeName(filter.call.callee as Place)}
          <Icon name="close" />
        </button>
      )}
      <ServiceSelect service={filter.service} onChange={(service) => change({ service })} />
      <select
        aria-label="Duration"
        value={String(filter.minDurationMs)}
        onChange={(event) => change({ minDurationMs: Number(event.currentTarget.value) })}
      >
        {DURATIONS.map((ms) => (
          <option key={ms} value={String(ms)}>
            {ms === 0 ? 'Any duration' : `≥ ${ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`}`}
          </option>
        ))}
      </select>
      <fieldset class="segments">
        <legend class="hidden">Outcome</legend>
        {OUTCOMES.map(({ value, text, title }) => (
          <label key={value} class={filter.outcome === value ? 'chosen' : ''} title={title}>
            <input
              type="radio"
              name="outcome"
              value={value}
              checked={filter.outcome === value}
              onChange={() => change({ outcome: value })}
            />
            {text}
          </label>
        ))}
      </fieldset>
      <label class="switch" title="Traces that nobody asked for: polls, projections, timers">
        <input
          type="checkbox"
          checked={filter.showsBackground}
          onChange={(event) => change({ showsBackground: event.currentTarget.checked })}
        />
        Background work
      </label>
      <PauseButton
        what="traces"
        isPaused={!list.live.value}
        onToggle={(isLive) => {
          list.live.value = isLive
          if (isLive) void list.refresh()
        }}
      />
    </SearchForm>
  )
}
