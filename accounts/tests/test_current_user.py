"""GET /api/user"""


def test_the_account_with_its_companies_and_roles(alice, acme):
    answer = alice.api.get("/api/user")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": alice.user.pk,
        "name": "Alice Test",
        "email": "alice@acme.test",
        "companies": [
            {"id": acme.pk, "name": "Acme", "slug": "acme", "logo_url": "", "role": "owner"}
        ],
    }


def test_a_chat_user_token_is_of_the_wrong_type(gina, error_of):
    answer = gina.api.get("/api/user")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert error_of(answer) == "invalid_token"


def test_nobody_without_a_token(anonymous, error_of):
    answer = anonymous.get("/api/user")
    assert answer.status_code == 401
    assert error_of(answer) == "not_authenticated"
