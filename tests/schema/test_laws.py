"""The laws of what a schema is: they hold for every pair of states."""

from hypothesis import given

from schema_states import states
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.apply import apply_all
from whimbrel.schema.changes import reverse_all
from whimbrel.schema.diff import diff
from whimbrel.schema.state import (
    ForeignKey,
    Naming,
    State,
    Table,
    TableName,
)


@given(states(), states())
def test_a_diff_leads_from_the_current_state_to_the_wanted_one(current, wanted):
    """Law 1: after all changes, the current state is the wanted one."""
    assert apply_all(current, diff(current, wanted)) == wanted


@given(states())
def test_a_state_does_not_differ_from_itself(state):
    """Law 2: there is nothing to do where nothing differs."""
    assert diff(state, state) == ()


@given(states(), states())
def test_what_is_done_can_be_undone(current, wanted):
    """Law 3: the reversed changes lead back."""
    changes = diff(current, wanted)

    assert apply_all(apply_all(current, changes), reverse_all(changes)) == current


@given(states(), states())
def test_adopted_names_are_settled(current, wanted):
    """Adopting twice is adopting once: nothing churns on the second look."""
    current = adopt_names(current, State())
    once = adopt_names(wanted, current)

    assert adopt_names(once, current) == once


@given(states())
def test_what_was_made_from_the_models_equals_them(wanted):
    """A database that has all that is wanted needs no change, whoever named things."""
    made = adopt_names(wanted, State())

    assert diff(made, adopt_names(wanted, made)) == ()


@given(states(), states())
def test_adopting_gives_names_and_nothing_else(current, wanted):
    """Only names differ between what was wanted and what was adopted."""
    adopted = adopt_names(wanted, adopt_names(current, State()))

    def nameless(state):
        return {
            table.name: sorted(
                repr(each).replace(each.name, "").split("naming")[0]
                for each in table.constraints
            )
            for table in state.tables
        }

    assert nameless(adopted).keys() == nameless(wanted).keys()
    for table in adopted.tables:
        assert all(each.naming is not Naming.CONVENTION for each in table.constraints)
        names = [(type(each), each.name) for each in table.constraints]
        assert len(names) == len(set(names))


def key(name, target, naming=Naming.GIVEN):
    return ForeignKey(
        name=name,
        columns=("a",),
        target=TableName(target),
        target_columns=("id",),
        naming=naming,
    )


def state_of(*constraints):
    return State(
        frozenset([Table(name=TableName("t"), constraints=frozenset(constraints))])
    )


def test_things_of_one_name_are_told_apart_by_what_they_say():
    """SQLite lets two constraints of a table have one name; neither is forgotten."""
    both = state_of(key("fk", "one"), key("fk", "two"))
    less = state_of(key("fk", "two"))

    assert diff(both, both) == ()
    assert apply_all(both, diff(both, less)) == less
    assert apply_all(less, diff(less, both)) == both


def test_a_name_that_was_given_to_one_is_not_for_another():
    """What has no name does not take that which the models give to its sibling."""
    current = state_of(key("fk_a", "one"))
    wanted = state_of(key("fk_a", "two"), key("fk_t_a_one", "one", Naming.NONE))

    assert adopt_names(wanted, current) == wanted


def test_names_of_tables_have_an_order():
    """Namesakes in two schemas too, of which one is the default one and has no name."""
    names = [TableName("b"), TableName("a", "app"), TableName("a"), TableName("a", "z")]

    assert [str(each) for each in sorted(names)] == ["a", "app.a", "z.a", "b"]
