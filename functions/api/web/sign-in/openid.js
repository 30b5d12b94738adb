// Signing in by OpenID Connect: the authorization code flow of a public client with PKCE (RFC 7636). Loaded when somebody
// signs in, signs out or needs a new token; nothing here is kept between two calls.
import { None, allowInsecureRequests, authorizationCodeGrantRequest, calculatePKCECodeChallenge, discoveryRequest, generateRandomCodeVerifier, generateRandomNonce, generateRandomState, processAuthorizationCodeResponse, processDiscoveryResponse, processRefreshTokenResponse, refreshTokenGrantRequest, revocationRequest, validateAuthResponse } from "../vendor/oauth4webapi.js";

/** How long the issuer may take to answer, in milliseconds. */
const PATIENCE = 15_000;

/** An issuer without TLS is one on this machine, for tests; the local runtime takes no other. */
const optionsFor = ({ issuer }) => ({ signal: () => AbortSignal.timeout(PATIENCE), [allowInsecureRequests]: new URL(issuer).protocol === "http:" });

/** What the issuer says of itself (OpenID Connect Discovery 1.0). */
async function discovered(settings) {
  const issuer = new URL(settings.issuer);
  return processDiscoveryResponse(issuer, await discoveryRequest(issuer, optionsFor(settings)));
}

const client = (settings) => ({ client_id: settings.client_id });

/** For whom the token shall be: `resource` is the name of RFC 8707, `audience` that of issuers which are older. */
const target = ({ resource }) => (resource ? { resource, audience: resource } : {});

/** The session that the issuer granted: its access token, what renews it, and when it expires, in milliseconds. */
const granted = ({ access_token: token, refresh_token: refresh, expires_in: seconds }) => ({
  token,
  refresh: refresh ?? null,
  expires: seconds === undefined ? null : Date.now() + seconds * 1000,
});

/** Where to go to sign in and come back to `place`, and what to keep until then. */
export async function begin(settings, place, language) {
  const server = await discovered(settings);
  const pending = { place, verifier: generateRandomCodeVerifier(), state: generateRandomState(), nonce: generateRandomNonce() };
  const address = new URL(server.authorization_endpoint);
  const parameters = {
    client_id: settings.client_id,
    redirect_uri: place,
    response_type: "code",
    scope: settings.scope,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: "S256",
    ui_locales: language,
    ...target(settings),
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  return { address: address.href, pending };
}

/** The session of somebody who has come back to `address`. */
export async function finish(settings, address, { place, verifier, state, nonce }) {
  const server = await discovered(settings);
  const parameters = validateAuthResponse(server, client(settings), new URL(address), state);
  const options = { ...optionsFor(settings), additionalParameters: target(settings) };
  const response = await authorizationCodeGrantRequest(server, client(settings), None(), parameters, place, verifier, options);
  const isOpenId = settings.scope.split(" ").includes("openid");
  const expected = isOpenId ? { expectedNonce: nonce, requireIdToken: true } : {};
  return granted(await processAuthorizationCodeResponse(server, client(settings), response, expected));
}

/** The session that goes on from one that expires. Issuers may keep the refresh token or replace it. */
export async function renew(settings, refresh) {
  const server = await discovered(settings);
  const options = { ...optionsFor(settings), additionalParameters: target(settings) };
  const response = await refreshTokenGrantRequest(server, client(settings), None(), refresh, options);
  const session = granted(await processRefreshTokenResponse(server, client(settings), response));
  return { ...session, refresh: session.refresh ?? refresh };
}

/**
 * Revokes what renews the session (RFC 7009), and says where to go to end the one at the issuer, too (OpenID Connect
 * RP-Initiated Logout 1.0); null where that can't be done. No token is in the address: the client's id stands for it.
 */
export async function leave(settings, refresh, place) {
  const server = await discovered(settings);
  if (refresh && server.revocation_endpoint) {
    // When it fails, the session still ends below, or by itself.
    await revocationRequest(server, client(settings), None(), refresh, optionsFor(settings)).catch(() => {});
  }
  if (!server.end_session_endpoint) return null;
  const address = new URL(server.end_session_endpoint);
  // The second name is Amazon Cognito's (Amazon Cognito Developer Guide, "Logout endpoint").
  const parameters = { client_id: settings.client_id, post_logout_redirect_uri: place, logout_uri: place };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  return address.href;
}
