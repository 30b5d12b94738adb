//! Why a card was declined, in the words of the shop (Stripe documentation, "Decline codes" and "Error
//! codes").

use omniflow_domain::payment_gateway::Decline;

/// The reason that a code of Stripe's stands for: its decline code, if there is one, or else its error code.
/// What a bank says of stolen cards and of fraud is not for the customer ("Don't report more detailed
/// information to your customer. Instead, present as generic decline.").
pub(crate) fn reason(code: &str) -> Decline {
    match code {
        "insufficient_funds" | "card_velocity_exceeded" | "withdrawal_count_limit_exceeded" => {
            Decline::InsufficientFunds
        }
        "expired_card" | "invalid_expiry_month" | "invalid_expiry_year" => Decline::CardExpired,
        "incorrect_number" | "invalid_number" | "incorrect_cvc" | "invalid_cvc" | "incorrect_zip"
        | "incorrect_address" | "invalid_account" | "incorrect_pin" | "invalid_pin" => Decline::WrongDetails,
        "authentication_required"
        | "authentication_not_handled"
        | "payment_intent_authentication_failure"
        | "offline_pin_required"
        | "online_or_offline_pin_required" => Decline::NotAuthenticated,
        "charge_expired_for_capture" | "capture_charge_authorization_expired" => Decline::HoldExpired,
        "processing_error"
        | "issuer_not_available"
        | "reenter_transaction"
        | "try_again_later"
        | "approve_with_id" => Decline::TryAgain,
        _ => Decline::Refused,
    }
}
