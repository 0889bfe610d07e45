import type { DocumentChange, ModelVersion, ParkedDocument, ParkingChange, ReadStore, StoredDocument } from 'seaworthy/projections'
import { throughJson } from './table.ts'

interface Model {
  readonly documents: Map<string, StoredDocument>
  readonly checkpoints: Map<string, number>
  readonly parked: Map<string, ParkedDocument>
}

/** Documents of read models in memory, for tests. */
export function inMemoryReadStore(): ReadStore {
  const models = new Map<string, Model>()
  const live = new Map<string, { live: number; previous: number }>()
  const name = ({ projection, version }: ModelVersion) => JSON.stringify([projection, version])
  const modelOf = (of: ModelVersion): Model => {
    const known = models.get(name(of)) ?? { documents: new Map(), checkpoints: new Map(), parked: new Map() }
    models.set(name(of), known)
    return known
  }
  const versionsOf = (projection: string) => live.get(projection) ?? { live: 0, previous: 0 }
  const isAsLoaded = ({ documents }: Model, { key, before }: DocumentChange) => documents.get(key)?.revision === before?.revision
  const isParkedAsLoaded = ({ parked }: Model, { key, before }: ParkingChange) => parked.get(key)?.revision === before?.revision
  return {
    async load(of, { checkpoint, keys }) {
      const { documents, checkpoints, parked } = modelOf(of)
      const chosen = <T>(all: ReadonlyMap<string, T>) => new Map([...all].filter(([key]) => keys.includes(key)))
      return { position: checkpoints.get(checkpoint) ?? 0, documents: chosen(documents), parked: chosen(parked) }
    },
    async write(of, { checkpoint, from, to, changes, parking = [] }) {
      const model = modelOf(of)
      if ((model.checkpoints.get(checkpoint) ?? 0) !== from || !changes.every((change) => isAsLoaded(model, change))) return false
      if (!parking.every((change) => isParkedAsLoaded(model, change))) return false
      model.checkpoints.set(checkpoint, to)
      for (const { key, document, listing, before } of changes) {
        if (document === undefined) model.documents.delete(key)
        else model.documents.set(key, { key, document: throughJson(document), listing, revision: (before?.revision ?? 0) + 1 })
      }
      for (const { key, parking: next, before } of parking) {
        if (next === undefined) model.parked.delete(key)
        else model.parked.set(key, { key, ...next, revision: (before?.revision ?? 0) + 1 })
      }
      return true
    },
    checkpoints: async (of) => new Map(modelOf(of).checkpoints),
    async keys(of, { after, max }) {
      const keys = [...modelOf(of).documents.keys()].filter((key) => byBytes(key, after) > 0)
      return keys.toSorted(byBytes).slice(0, max)
    },
    async parked(of, { after, max }) {
      const parked = [...modelOf(of).parked.values()].filter(({ key }) => byBytes(key, after) > 0)
      return parked.toSorted((one, other) => byBytes(one.key, other.key)).slice(0, max)
    },
    async remove(of) {
      const versions = versionsOf(of.projection)
      if (versions.live === of.version) return false
      models.delete(name(of))
      if (versions.previous === of.version) live.set(of.projection, { ...versions, previous: 0 })
      return true
    },
    versions: async (projection) => versionsOf(projection),
    async makeLive(projection, { from, to, evenIfBehind = false }) {
      if (versionsOf(projection).live !== from) return 'moved'
      const [old, next] = [modelOf({ projection, version: from }), modelOf({ projection, version: to })]
      if (!evenIfBehind) {
        if ([...old.checkpoints].some(([of, position]) => position > (next.checkpoints.get(of) ?? 0))) return 'behind'
        const standsStill = ({ key, waiting: [first = 0] }: ParkedDocument) => first < (old.parked.get(key)?.waiting[0] ?? Infinity)
        if ([...next.parked.values()].some(standsStill)) return 'parked'
      }
      live.set(projection, { live: to, previous: from })
      return 'switched'
    },
    async find(projection, key) {
      const { live: version } = versionsOf(projection)
      return { version, document: modelOf({ projection, version }).documents.get(key) }
    },
    async list(projection, { in: list, offset, max }) {
      const { live: version } = versionsOf(projection)
      const listed = [...modelOf({ projection, version }).documents.values()].filter(({ listing }) => listing?.in === list)
      const ordered = listed.toSorted((one, other) => other.listing!.at - one.listing!.at || byBytes(other.key, one.key))
      return { version, documents: ordered.slice(offset, offset + max), total: listed.length }
    },
  }
}

const byBytes = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other))
