// Made from requests.submitted.v1.json.

/**
 * What somebody asks for, through whatever door.
 *
 * Written by upstreams to `requests.submitted`, or posted to `POST /api/requests`. The same `request_key`
 * from the same source is the same request, however often it is sent.
 */
export interface RequestSubmitted {
  /**
   * What is wanted, at length, at most 8,000 characters.
   */
  description: string;
  /**
   * More that the upstream tells, at most 50 pairs of name and value.
   *
   * @maxItems 50
   */
  details?: Detail[];
  /**
   * Where the work is wanted, at most 500 characters.
   */
  place?: string | null;
  /**
   * The upstream's own id of the request, 1 to 64 characters: same key, same request.
   */
  request_key: string;
  requester: Requester;
  /**
   * The upstream's clock.
   */
  submitted_at?: string | null;
  /**
   * What is wanted, in one line, 1 to 200 characters.
   */
  summary: string;
  /**
   * The registered channel that the request comes through and is worked under.
   */
  surface: string;
  /**
   * Until when the work is wanted.
   */
  wanted_by?: string | null;
}
/**
 * One more thing the upstream tells. Values are texts: there is no free-form JSON on the path.
 */
export interface Detail {
  /**
   * A name.
   */
  name: string;
  /**
   * A text of at most 4,000 characters.
   */
  value: string;
}
/**
 * Who wants the work done.
 */
export interface Requester {
  /**
   * How to reach the requester, at most 200 characters.
   */
  contact?: string | null;
  /**
   * A name.
   */
  name: string;
  /**
   * The requester's sign-in, when they have one: whoever it is cannot approve the Task.
   */
  subject?: string | null;
}
