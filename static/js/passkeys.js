/* What a browser says when a passkey comes to nothing, in words, where the page has a place for them. */
document.addEventListener("allauth.error", (event) => {
  const place = document.getElementById("passkey-error");
  if (!place) return;
  event.preventDefault();
  const wasLeft = event.detail.exception?.name === "NotAllowedError";
  place.querySelector("span").textContent = wasLeft
    ? "No passkey was used: it was cancelled, or took too long. Try again, or use another way."
    : "This browser could not use a passkey here. Use another way.";
  place.hidden = false;
});
