import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { system } from '../state/system.ts'

const TYPING_MS = 200

/** What a list is searched by: a box for words, which takes effect a moment after the last key, and what else is chosen beside it. */
export function SearchForm({
  label,
  id,
  hint,
  placeholder,
  text,
  onSearch,
  children,
}: {
  /** What is searched. */
  label: string
  id: string
  hint: string
  placeholder: string
  text: string
  onSearch: (text: string) => void
  children: ComponentChildren
}): JSX.Element {
  const search = useRef<HTMLInputElement>(null)
  const typing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(typing.current), [])
  useEffect(() => {
    // The address changed by other means: a link, the browser's history.
    if (search.current !== null && search.current !== document.activeElement) search.current.value = text
  }, [text])
  return (
    <form
      class="filters"
      role="search"
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault()
        clearTimeout(typing.current)
        onSearch(search.current?.value ?? '')
      }}
    >
      <label class="search">
        <span class="hidden">{hint}</span>
        <input
          ref={search}
          id={id}
          type="search"
          placeholder={placeholder}
          defaultValue={text}
          autocomplete="off"
          spellcheck={false}
          maxLength={200}
          onInput={(event) => {
            const { value } = event.currentTarget
            clearTimeout(typing.current)
            typing.current = setTimeout(() => onSearch(value), TYPING_MS)
          }}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown') {
              event.preventDefault()
              document.querySelector<HTMLElement>('a.row-link')?.focus()
            }
            if (event.key !== 'Escape') return
            // The browser would clear the box alone, and nobody would hear of it.
            event.preventDefault()
            clearTimeout(typing.current)
            if (event.currentTarget.value === '') event.currentTarget.blur()
            event.currentTarget.value = ''
            if (text !== '') onSearch('')
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      {children}
    </form>
  )
}

/** One service of the system, or every one. */
export function ServiceSelect({ service, onChange }: { service: string; onChange: (service: string) => void }): JSX.Element {
  const services = system.value?.services.map(({ name }) => name) ?? []
  const known = service === '' || services.includes(service) ? services : [...services, service]
  return (
    <select aria-label="Service" value={service} onChange={(event) => onChange(event.currentTarget.value)}>
      <option value="">Every service</option>
      {known.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  )
}

/** Keeps a list as it is, while somebody reads it. */
export function PauseButton({
  what,
  isPaused,
  onToggle,
}: {
  what: string
  isPaused: boolean
  /** @param isLive whether the list is to follow again */
  onToggle: (isLive: boolean) => void
}): JSX.Element {
  return (
    <button
      type="button"
      class="button"
      aria-pressed={isPaused}
      title={isPaused ? `Show new ${what} as they arrive` : 'Keep the list as it is'}
      onClick={() => onToggle(isPaused)}
    >
      {isPaused ? 'Resume' : 'Pause'}
    </button>
  )
}
