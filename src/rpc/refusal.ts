/** A gRPC status alone, in place of an answer. */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { statusText } from './grpc-metadata.js'
import type { Code } from './status.js'

export const HEADERS: OutgoingHttpHeaders = {
  ':status': 200,
  'content-type': 'application/grpc+proto',
}
/** Headers, and nothing behind them. */
export const ALONE = { endStream: true, sendDate: false }

/** True when the caller is gone, and nothing may be sent any more. */
export function isGone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed
}

/** Ends the call, also before its caller has sent all. Nothing was answered before. */
export function refuseCall(
  stream: ServerHttp2Stream,
  status: { readonly code: Code; readonly text: string; readonly trailers?: OutgoingHttpHeaders },
): void {
  if (isGone(stream)) return
  stream.respond(
    {
      ...HEADERS,
      ...status.trailers,
      'grpc-status': status.code,
      'grpc-message': encodeURI(statusText(status.text)),
    },
    ALONE,
  )
  closeBehind(stream)
}

/** What else the caller would send is for nobody: as etcd does, the stream is closed behind what ended it. */
export function closeBehind(stream: ServerHttp2Stream): void {
  const close = () => {
    if (!isGone(stream)) stream.close(constants.NGHTTP2_NO_ERROR)
  }
  if (!stream.readableEnded) {
    // To HEAD, Node has nothing to send from the start.
    if (stream.writableFinished) setImmediate(close)
    else stream.once('finish', close)
  }
  stream.resume()
}
