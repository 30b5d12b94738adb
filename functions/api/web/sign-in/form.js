// Asking who somebody is: at the issuer, where there is one, and by an access token that they paste.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t } from "../language.js";
import { goAndSignIn, isFromIssuer, signIn, signInSettings, token } from "../session.js";

/** `failed` is why somebody who came back from the issuer is not signed in. */
export function SignIn({ done, failed }) {
  const [settings, setSettings] = useState(null);
  useEffect(() => {
    // Where it can't be read, a token can still be pasted.
    signInSettings().then(setSettings, () => setSettings({}));
  }, []);
  if (!settings) return null;
  return html`
    <section class="card" aria-labelledby="sign-in">
      <h2 id="sign-in">${t("sign-in")}</h2>
      ${settings.issuer ? html`<${AtIssuer} issuer=${new URL(settings.issuer).host} failed=${failed} done=${done} />` : html`<${ByToken} done=${done} focused />`}
    </section>
  `;
}

function AtIssuer({ issuer, failed, done }) {
  const [problem, setProblem] = useState(failed ? t("sign-in.failed", { why: failed }) : token() && isFromIssuer() ? t("sign-in.again") : "");
  const [going, setGoing] = useState(false);
  const button = useRef();
  useEffect(() => button.current.focus(), []);
  const go = async () => {
    setGoing(true);
    setProblem("");
    try {
      await goAndSignIn();
    } catch {
      setProblem(t("sign-in.unreachable", { issuer }));
    }
    setGoing(false);
  };
  return html`
    <div class="sign-in">
      <p>${t("sign-in.issuer", { issuer })}</p>
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      <button type="button" class="primary" id="at-issuer" ref=${button} disabled=${going} onClick=${go}>${t("sign-in")}</button>
      <details>
        <summary>${t("sign-in.token")}</summary>
        <${ByToken} done=${done} />
      </details>
    </div>
  `;
}

/** For an access token that somebody pastes. */
function ByToken({ done, focused }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState("");
  const field = useRef();
  useEffect(() => {
    if (focused) field.current.focus();
  }, []);
  const submit = async (event) => {
    event.preventDefault();
    setWrong("");
    try {
      await api.knows(text.trim());
    } catch (refusal) {
      // Whoever may not list orders is known all the same.
      if (refusal.status === 0 || refusal.status >= 500) return setWrong("refused.unreachable");
      if (refusal.status !== 403) {
        field.current.select();
        return setWrong("sign-in.wrong");
      }
    }
    signIn(text.trim());
    done();
  };
  return html`
    <form class="sign-in" onSubmit=${submit}>
      <p>${t("sign-in.why")}</p>
      <label for="token">${t("sign-in.token")}</label>
      <input id="token" ref=${field} type="password" autocomplete="off" required value=${text} aria-invalid=${Boolean(wrong)} aria-describedby=${wrong ? "token-problem" : null} onInput=${(event) => setText(event.target.value)} />
      ${wrong && html`<p id="token-problem" class="problem" role="alert">${t(wrong)}</p>`}
      <button class=${focused ? "primary" : null}>${t(focused ? "sign-in" : "sign-in.with-token")}</button>
    </form>
  `;
}
