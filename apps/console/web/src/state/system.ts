import { computed, signal } from '@preact/signals'
import type { SystemState } from '../../../src/http/answers.ts'
import { serviceColour } from '../view-model/service-colour.ts'
import { fetchSystem } from './api.ts'
import { onServices } from './live.ts'

/** What runs; undefined until it is known. */
export const system = signal<SystemState | undefined>(undefined)
export const systemError = signal<string | undefined>(undefined)
const declared = computed(() => system.value?.services.filter(({ role }) => role !== 'unknown').map(({ name }) => name) ?? [])

const REFRESH_MS = 5_000

/** Keeps {@link system} fresh: its figures move with every request, its processes tell of themselves. */
export function startSystem(): void {
  const refresh = async (): Promise<void> => {
    try {
      system.value = await fetchSystem()
      systemError.value = undefined
    } catch (error) {
      systemError.value = error instanceof Error ? error.message : String(error)
    }
  }
  void refresh()
  onServices(() => void refresh())
  setInterval(() => {
    if (!document.hidden) void refresh()
  }, REFRESH_MS)
}

/** The number of a service's colour, the same on every page. */
export function colourNumber(service: string): number {
  return serviceColour(declared.value, service)
}

/** The class that gives an element its service's colour. */
export function colourClass(service: string): string {
  return `service-${colourNumber(service)}`
}
