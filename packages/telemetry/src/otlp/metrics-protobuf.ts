import type { AnyValue, ExemplarPoint, HistogramPoint, KeyValue, Metric, MetricsMoment, NumberPoint } from './metrics.ts'
import { bytesField, double, doubleField, fixed64, fixed64Field, textField, varintField } from './protobuf.ts'

/** The same request in protobuf. The numbers are the fields' of metrics/v1/metrics.proto, common/v1/common.proto and resource/v1/resource.proto. */
export function metricsProtobuf({ resourceMetrics: [{ resource, scopeMetrics }] }: MetricsMoment): Uint8Array {
  const [{ scope, metrics }] = scopeMetrics
  const resourceField = bytesField(1, ...attributes(1, resource.attributes))
  const scopeField = bytesField(1, textField(1, scope.name))
  const metricFields = metrics.map((metric) => bytesField(2, ...metricParts(metric)))
  return bytesField(1, resourceField, bytesField(2, scopeField, ...metricFields))
}

function metricParts({ name, description, unit, gauge, sum, histogram }: Metric): readonly Uint8Array[] {
  const parts = [textField(1, name)]
  // Protobuf leaves out what is empty.
  if (description !== '') parts.push(textField(2, description))
  if (unit !== '') parts.push(textField(3, unit))
  if (gauge !== undefined) parts.push(bytesField(5, ...gauge.dataPoints.map(numberPoint)))
  if (sum !== undefined) {
    const points = sum.dataPoints.map(numberPoint)
    parts.push(bytesField(7, ...points, varintField(2, sum.aggregationTemporality), varintField(3, sum.isMonotonic ? 1 : 0)))
  }
  if (histogram !== undefined) {
    const points = histogram.dataPoints.map(histogramPoint)
    parts.push(bytesField(9, ...points, varintField(2, histogram.aggregationTemporality)))
  }
  return parts
}

function numberPoint(point: NumberPoint): Uint8Array {
  return bytesField(
    1,
    fixed64Field(2, point.startTimeUnixNano),
    fixed64Field(3, point.timeUnixNano),
    doubleField(4, point.asDouble),
    ...attributes(7, point.attributes),
  )
}

function histogramPoint({ exemplars = [], ...point }: HistogramPoint): Uint8Array {
  return bytesField(
    1,
    fixed64Field(2, point.startTimeUnixNano),
    fixed64Field(3, point.timeUnixNano),
    fixed64Field(4, point.count),
    doubleField(5, point.sum),
    bytesField(6, ...point.bucketCounts.map(fixed64)),
    bytesField(7, ...point.explicitBounds.map(double)),
    ...exemplars.map((exemplar) => bytesField(8, ...exemplarParts(exemplar))),
    ...attributes(9, point.attributes),
  )
}

function exemplarParts({ timeUnixNano, asDouble, traceId, spanId }: ExemplarPoint): readonly Uint8Array[] {
  return [
    fixed64Field(2, timeUnixNano),
    doubleField(3, asDouble),
    bytesField(4, Buffer.from(spanId, 'hex')),
    bytesField(5, Buffer.from(traceId, 'hex')),
  ]
}

function attributes(field: number, pairs: readonly KeyValue[]): readonly Uint8Array[] {
  return pairs.map(({ key, value }) => bytesField(field, textField(1, key), bytesField(2, ...anyValue(value))))
}

function anyValue({ stringValue, boolValue, intValue, doubleValue, arrayValue }: AnyValue): readonly Uint8Array[] {
  if (stringValue !== undefined) return [textField(1, stringValue)]
  if (boolValue !== undefined) return [varintField(2, boolValue ? 1 : 0)]
  if (intValue !== undefined) return [varintField(3, intValue)]
  if (doubleValue !== undefined) return [doubleField(4, doubleValue)]
  if (arrayValue !== undefined) return [bytesField(5, ...arrayValue.values.map((each) => bytesField(1, ...anyValue(each))))]
  return []
}
