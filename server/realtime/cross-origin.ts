/** Pages of any origin may use the HTTP part, as on Supabase. Safe, because no cookie says who calls. */
const ONE_DAY_SECONDS = '86400';

/**
 * Answers preflights, and lets browsers show all other answers to the page that asked. Where an app around the gateway
 * sets the same headers, they take the place of these.
 */
export function allowOtherOrigins(
  handle: (request: Request) => Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method === 'OPTIONS') {
      return new Response(null, {
        status: 204,
        headers: {
          'access-control-allow-origin': '*',
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': request.headers.get('access-control-request-headers') ?? '*',
          'access-control-max-age': ONE_DAY_SECONDS,
          vary: 'access-control-request-headers',
        },
      });
    }
    const response = await handle(request);
    response.headers.set('access-control-allow-origin', '*');
    return response;
  };
}
