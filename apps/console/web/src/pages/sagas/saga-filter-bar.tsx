import type { JSX } from 'preact'
import type { SagasState } from '../../../../src/http/answers.ts'
import { navigate } from '../../state/location.ts'
import { ALL_SAGAS, SAGA_STATES, type SagaFilter } from './route.ts'
import { SAGA_CONDITIONS } from '../../view-model/saga.ts'

type Counts = Pick<SagasState, 'counts' | 'countMax' | 'definitions'>

/** Which sagas are listed, with how many there are of each state. It stands in the address. */
export function SagaFilterBar({ filter, found }: { filter: SagaFilter; found: Counts | undefined }): JSX.Element {
  // Another list begins at its first page.
  const change = (part: Partial<SagaFilter>): void =>
    navigate({ page: 'sagas', filter: { ...filter, before: '', ...part } }, { replace: true })
  const declared = [...new Set(found?.definitions.map(({ name }) => name))].toSorted()
  const names = filter.saga === '' || declared.includes(filter.saga) ? declared : [...declared, filter.saga]
  const segment = (state: SagaFilter['state'], text: string, title: string, count: number | undefined) => (
    <label key={state} class={filter.state === state ? 'chosen' : ''} title={title}>
      <input type="radio" name="saga-state" value={state} checked={filter.state === state} onChange={() => change({ state })} />
      {text}
      {count !== undefined && (
        <span class={`segment-count ${state === 'parked' && count > 0 ? 'error-text' : ''}`}>{countText(count, found)}</span>
      )}
    </label>
  )
  return (
    <form class="filters" role="search" aria-label="Sagas" onSubmit={(event) => event.preventDefault()}>
      <fieldset class="segments saga-states">
        <legend class="hidden">State</legend>
        {segment(ALL_SAGAS.state, 'All', 'However they stand', undefined)}
        {SAGA_STATES.map((state) => segment(state, SAGA_CONDITIONS[state].text, SAGA_CONDITIONS[state].title, found?.counts[state]))}
      </fieldset>
      <select aria-label="Saga" value={filter.saga} onChange={(event) => change({ saga: event.currentTarget.value })}>
        <option value="">Every saga</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </form>
  )
}

function countText(count: number, found: Counts | undefined): string {
  const isCapped = found !== undefined && found.countMax > 0 && count >= found.countMax
  return `${count.toLocaleString('en')}${isCapped ? '+' : ''}`
}
